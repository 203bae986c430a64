// Owns the attention side of a model in TypeScript: embedding, norms, attention, router, LM head. It reads none of the FFN's
// tensors. One pre-norm block is x <- x + Attn(norm(x)); x <- x + FFN(norm(x)) (facts/models.md, A.3); the FFN half of it
// happens elsewhere, between two calls.
import { assert } from '@tandem/core'
import type { AttentionLayerWeights, Model, ModelConfig } from '@tandem/model'
import type { AttentionBackend, AttnOutput, Ubatch } from '../backend.js'
import type { Attention, KvPoolSize } from './attention/attention.js'
import { loadGqa, loadMfa } from './attention/grouped-query.js'
import { forEachToken } from './attention/kv-cache.js'
import { loadMla } from './attention/latent.js'
import { ropeAngles, type RopeAngles } from './attention/rope.js'
import { linear } from './linear.js'
import { rmsNorm } from './rms-norm.js'
import { route } from './router.js'
import { AttentionWeightReader } from './attention-weight-reader.js'
import type { WeightMatrix } from './weight-matrix.js'

export interface ReferenceAttentionOptions extends KvPoolSize {
  /** Longest sequence, in tokens; positions beyond it are refused. */
  readonly maxModelLen: number
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

interface Layer {
  readonly attnNorm: Float32Array
  readonly attention: Attention
  readonly ffnNorm: Float32Array
  readonly router?: { readonly weight: WeightMatrix, readonly bias?: Float32Array }
}

/** Reads the attention side's tensors and allocates the KV pool. */
export async function createReferenceAttentionBackend (model: Model, options: ReferenceAttentionOptions): Promise<AttentionBackend> {
  const reader = new AttentionWeightReader(model, options.onProgress)
  try {
    const { tokenEmbd, outputNorm, lmHead } = model.attention
    const layers: Layer[] = []
    const embedding = await reader.matrix(tokenEmbd)
    for (const weights of model.attention.layers) layers.push(await loadLayer(model.config, weights, options, reader))
    const norm = await reader.vector(outputNorm)
    const head = await reader.matrix(lmHead)
    return new ReferenceAttentionBackend(model.config, options.maxModelLen, reader.totalBytes, { embedding, layers, norm, head })
  } finally {
    await reader.close()
  }
}

async function loadLayer (
  config: ModelConfig, weights: AttentionLayerWeights, pool: KvPoolSize, reader: AttentionWeightReader
): Promise<Layer> {
  const attnNorm = await reader.vector(weights.attnNorm)
  const attention = await loadAttention(config, weights.attention, pool, reader)
  const ffnNorm = await reader.vector(weights.ffnNorm)
  if (weights.router === undefined) return { attnNorm, attention, ffnNorm }
  const router = { weight: await reader.matrix(weights.router) }
  if (weights.routerBias === undefined) return { attnNorm, attention, ffnNorm, router }
  return { attnNorm, attention, ffnNorm, router: { ...router, bias: await reader.vector(weights.routerBias) } }
}

function loadAttention (
  { attention: config, rope, rmsNormEps }: ModelConfig, weights: AttentionLayerWeights['attention'], pool: KvPoolSize, reader: AttentionWeightReader
): Promise<Attention> {
  if (config.kind === 'gqa' && weights.kind === 'gqa') return loadGqa(config, weights, rope, rmsNormEps, pool, reader)
  if (config.kind === 'mfa' && weights.kind === 'mfa') return loadMfa(config, weights, rope, rmsNormEps, pool, reader)
  assert(config.kind === 'mla' && weights.kind === 'mla', `config has ${config.kind} attention, weights have ${weights.kind}`)
  return loadMla(config, weights, rope, pool, reader)
}

interface ModelWeights {
  readonly embedding: WeightMatrix
  readonly layers: readonly Layer[]
  readonly norm: Float32Array
  readonly head: WeightMatrix
}

class ReferenceAttentionBackend implements AttentionBackend {
  readonly kvCacheBytes: number
  #weights: ModelWeights | null

  constructor (
    private readonly config: ModelConfig, private readonly maxModelLen: number, readonly weightBytes: number, weights: ModelWeights
  ) {
    this.#weights = weights
    this.kvCacheBytes = weights.layers.reduce((sum, layer) => sum + layer.attention.kvCacheBytes, 0)
  }

  embed ({ tokenIds }: Ubatch): Float32Array {
    const { hiddenSize, vocabSize } = this.config
    const { embedding } = this.#loaded()
    const residual = new Float32Array(tokenIds.length * hiddenSize)
    tokenIds.forEach((tokenId, row) => {
      assert(tokenId >= 0 && tokenId < vocabSize, `token ${tokenId} is outside the vocabulary of ${vocabSize}`)
      embedding.dequantize(tokenId, 1, residual.subarray(row * hiddenSize, (row + 1) * hiddenSize))
    })
    return residual
  }

  attend (layerIdx: number, ubatch: Ubatch, residual: Float32Array): AttnOutput {
    const layer = this.#loaded().layers[layerIdx]
    assert(layer, `layer ${layerIdx} does not exist`)
    const { rmsNormEps, ffn } = this.config
    const output = layer.attention.attend(rmsNorm(residual, layer.attnNorm, rmsNormEps), ubatch, this.#anglesOf(ubatch))
    for (let i = 0; i < residual.length; i++) residual[i]! += output[i]!

    const hidden = rmsNorm(residual, layer.ffnNorm, rmsNormEps)
    const ffnConfig = ffn[layerIdx]!
    if (ffnConfig.kind === 'dense') return { hidden, topkIds: new Uint16Array(0), topkWeights: new Float32Array(0) }
    assert(layer.router, `layer ${layerIdx} has experts but no router`)
    const numTokens = ubatch.tokenIds.length
    return { hidden, ...route(linear(hidden, numTokens, layer.router.weight), numTokens, ffnConfig.router, layer.router.bias) }
  }

  /** logits = W_head RMSNorm(x), for the chosen rows only. */
  logits (residual: Float32Array, rows: readonly number[]): Float32Array[] {
    const { hiddenSize, vocabSize, rmsNormEps } = this.config
    const { norm, head } = this.#loaded()
    const chosen = new Float32Array(rows.length * hiddenSize)
    rows.forEach((row, i) => chosen.set(residual.subarray(row * hiddenSize, (row + 1) * hiddenSize), i * hiddenSize))
    const logits = linear(rmsNorm(chosen, norm, rmsNormEps), rows.length, head)
    return rows.map((_, i) => logits.subarray(i * vocabSize, (i + 1) * vocabSize))
  }

  dispose (): void {
    this.#weights = null
  }

  #loaded (): ModelWeights {
    assert(this.#weights, 'the attention backend was disposed')
    return this.#weights
  }

  #anglesOf (ubatch: Ubatch): RopeAngles[] {
    const angles = new Array<RopeAngles>(ubatch.tokenIds.length)
    forEachToken(ubatch, (row, position) => {
      assert(position < this.maxModelLen, `position ${position} is beyond ${this.maxModelLen}`)
      angles[row] = ropeAngles(this.config.rope, position)
    })
    return angles
  }
}
