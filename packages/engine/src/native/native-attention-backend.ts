// Owns the attention side's native arithmetic behind the layer-level contract (backend.ts), for the pipelined engine. A call computes
// at once, on the calling thread and the native compute threads. Same bits as the native engine: the same code runs.
import { assert, makeError } from '@tandem/core'
import { attentionTensorRefs } from '@tandem/model'
import type { Model, ModelConfig } from '@tandem/model'
import type { AttentionBackend, AttnOutput, Ubatch } from '../backend.js'
import { engineErrors } from '../errors.js'
import { kvDtypes } from '../types.js'
import type { KvDtype } from '../types.js'
import type { NativeAddon, NativeAttentionLayers, NativeUbatch } from './addon-boundary.js'
import { translated, translatedCall } from './errors.js'
import { progressOf } from './load-progress.js'

export interface NativeAttentionBackendOptions {
  readonly numBlocks: number
  readonly blockSize: number
  /** Longest sequence, in tokens; positions beyond it are refused. */
  readonly maxModelLen: number
  readonly kvDtype: KvDtype
  /** Compute threads, the calling one included; 0 is one per available core. */
  readonly numThreads: number
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

/** Loads the attention side's weights. Throws `tensor_unsupported`, `model_unsupported`, `kv_pool_too_large`, `kv_dtype_unsupported`. */
export async function createNativeAttentionBackend (
  addon: NativeAddon, model: Model, options: NativeAttentionBackendOptions
): Promise<AttentionBackend> {
  const { numBlocks, blockSize, kvDtype, numThreads, onProgress } = options
  const totalBytes = attentionTensorRefs(model).reduce((sum, ref) => sum + ref.byteLength, 0)
  const layers = await translated(addon.createAttentionLayers({
    config: model.config,
    weights: model.attention,
    kvBlocks: numBlocks,
    blockSize,
    kvDtype: kvDtypeIndex(kvDtype),
    numThreads
  }, progressOf(totalBytes, onProgress)))
  return new NativeAttentionBackend(model.config, options, layers)
}

/** What `auto` means: f16, but bf16 where attention runs in AMX tiles, which read nothing else. MLA does not. */
export function kvDtypeOf (kvDtype: KvDtype | 'auto', addon: NativeAddon, { config }: Model): KvDtype {
  if (kvDtype !== 'auto') return kvDtype
  return addon.computeDtype() === 'bf16' && config.attention.kind !== 'mla' ? 'bf16' : 'f16'
}

/** Index in `kvDtypes`. Throws `kv_dtype_unsupported`. */
export function kvDtypeIndex (kvDtype: KvDtype): number {
  const index = (kvDtypes as readonly string[]).indexOf(kvDtype)
  if (index < 0) throw makeError(engineErrors, 'kv_dtype_unsupported', { backend: 'cpu', supported: kvDtypes.join(', '), kvDtype })
  return index
}

class NativeAttentionBackend implements AttentionBackend {
  readonly weightBytes: number
  readonly kvCacheBytes: number
  readonly #planned = new WeakMap<Ubatch, NativeUbatch>()
  #isDisposed = false

  constructor (
    private readonly config: ModelConfig, private readonly options: NativeAttentionBackendOptions, private readonly layers: NativeAttentionLayers
  ) {
    const { weightBytes, kvCacheBytes } = layers.info()
    this.weightBytes = weightBytes
    this.kvCacheBytes = kvCacheBytes
  }

  embed (ubatch: Ubatch): Float32Array {
    this.#checkUsable()
    checkUbatch(ubatch, this.config.vocabSize, this.options)
    const residual = new Float32Array(ubatch.tokenIds.length * this.config.hiddenSize)
    this.#planned.set(ubatch, translatedCall(() => this.layers.begin(ubatch.tokenIds, ubatch.sequences, residual)))
    return residual
  }

  attend (layerIdx: number, ubatch: Ubatch, residual: Float32Array): AttnOutput {
    this.#checkUsable()
    const ffn = this.config.ffn[layerIdx]
    const planned = this.#planned.get(ubatch)
    assert(ffn, `layer ${layerIdx} does not exist`)
    assert(planned, 'a ubatch is embedded before its first layer')
    const numTokens = ubatch.tokenIds.length
    assert(residual.length === numTokens * this.config.hiddenSize, 'the residual stream has one row per token')
    const numChoices = ffn.kind === 'moe' ? numTokens * ffn.router.topK : 0
    const hidden = new Float32Array(residual.length)
    const topkIds = new Uint16Array(numChoices)
    const topkWeights = new Float32Array(numChoices)
    translatedCall(() => { this.layers.attend(layerIdx, planned, residual, hidden, topkIds, topkWeights) })
    return { hidden, topkIds, topkWeights }
  }

  logits (residual: Float32Array, rows: readonly number[]): Float32Array[] {
    this.#checkUsable()
    const { hiddenSize, vocabSize } = this.config
    const numRows = residual.length / hiddenSize
    assert(rows.every(row => row >= 0 && row < numRows), `rows are below ${numRows}`)
    const logits = new Float32Array(rows.length * vocabSize)
    translatedCall(() => { this.layers.logits(residual, Int32Array.from(rows), logits) })
    return rows.map((_, i) => logits.subarray(i * vocabSize, (i + 1) * vocabSize))
  }

  dispose (): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.layers.dispose()
  }

  #checkUsable (): void {
    assert(!this.#isDisposed, 'the attention backend was disposed')
  }
}

/** Native code turns these numbers into addresses. */
function checkUbatch (
  { tokenIds, sequences }: Ubatch, vocabSize: number, { numBlocks, blockSize, maxModelLen }: NativeAttentionBackendOptions
): void {
  assert(tokenIds.every(tokenId => tokenId >= 0 && tokenId < vocabSize), `token ids are below ${vocabSize}`)
  let numRows = 0
  for (const { firstRow, numTokens, startPosition, blockTable } of sequences) {
    assert(firstRow === numRows, 'sequences are in the order of their rows, without a gap')
    numRows += numTokens
    const end = startPosition + numTokens
    assert(startPosition >= 0 && end <= maxModelLen, `position ${end - 1} is beyond ${maxModelLen}`)
    assert(blockTable.length * blockSize >= end, `the block table ends before position ${end - 1}`)
    assert(blockTable.every(blockId => blockId >= 0 && blockId < numBlocks), `block ids are below ${numBlocks}`)
  }
  assert(numRows === tokenIds.length, 'every row belongs to a sequence')
}
