// A model without weights whose every output depends on every input it should depend on: tokens, positions, KV blocks,
// layer, leaf and experts. Small enough to run hundreds of steps in a test.
import { leavesUnder, NUM_VIRTUAL_SHARDS, subtreeRoots } from '@tandem/core'
import type { FfnSplit, ShardRange } from '@tandem/core'
import type { FfnConfig, ModelConfig } from '@tandem/model'
import type { AttentionBackend, AttnOutput, FfnBackend, FfnLeaves, Ubatch } from '../../../src/backend.js'

export const hiddenSize = 8
export const vocabSize = 48
export const numLayers = 3
export const blockSize = 4
const topK = 2
const numExperts = 8

const moe: FfnConfig = {
  kind: 'moe',
  numExperts,
  intermediateSize: 16,
  sharedIntermediateSize: 0,
  router: { scoring: 'softmax', topK, numGroups: 1, topKGroups: 1, groupScore: 'max', hasBias: false, normTopk: true, scalingFactor: 1 }
}

export const fakeConfig: ModelConfig = {
  architecture: 'llama',
  vocabSize,
  hiddenSize,
  numLayers,
  maxModelLen: 256,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: true,
  attention: { kind: 'gqa', numHeads: 1, numKvHeads: 1, headDim: 8, qkNorm: false, qkvBias: false, scale: 1 },
  rope: { dim: 8, interleaved: false, invFreq: new Float32Array(4), attentionFactor: 1 },
  ffn: [{ kind: 'dense', intermediateSize: 16 }, moe, moe],
  bosTokenId: null,
  eosTokenIds: []
}

export class FakeAttentionBackend implements AttentionBackend {
  readonly weightBytes = 1000
  readonly kvCacheBytes: number
  /** [numLayers][slot] one number per token. */
  readonly #kv: Float32Array[]
  numAttends = 0
  isDisposed = false

  constructor (numBlocks: number) {
    this.#kv = Array.from({ length: numLayers }, () => new Float32Array(numBlocks * blockSize).fill(NaN))
    this.kvCacheBytes = numLayers * numBlocks * blockSize * 4
  }

  embed ({ tokenIds }: Ubatch): Float32Array {
    const residual = new Float32Array(tokenIds.length * hiddenSize)
    for (let i = 0; i < residual.length; i++) residual[i] = Math.sin(tokenIds[Math.floor(i / hiddenSize)]! * 7 + (i % hiddenSize))
    return residual
  }

  attend (layerIdx: number, ubatch: Ubatch, residual: Float32Array): AttnOutput {
    this.numAttends++
    const numTokens = ubatch.tokenIds.length
    const kv = this.#kv[layerIdx]!
    for (const { firstRow, numTokens: count, startPosition, blockTable } of ubatch.sequences) {
      const slot = (position: number): number => blockTable[Math.floor(position / blockSize)]! * blockSize + position % blockSize
      for (let r = 0; r < count; r++) kv[slot(startPosition + r)] = residual[(firstRow + r) * hiddenSize]!
      for (let r = 0; r < count; r++) {
        const position = startPosition + r
        let sum = 0
        for (let j = 0; j <= position; j++) sum += kv[slot(j)]! / (1 + position - j)
        for (let i = 0; i < hiddenSize; i++) residual[(firstRow + r) * hiddenSize + i]! += Math.sin(sum * (i + 1))
      }
    }
    const hidden = residual.map(value => Math.tanh(value))
    if (fakeConfig.ffn[layerIdx]!.kind === 'dense') return { hidden, topkIds: new Uint16Array(0), topkWeights: new Float32Array(0) }
    const topkIds = new Uint16Array(numTokens * topK)
    const topkWeights = new Float32Array(numTokens * topK)
    for (let row = 0; row < numTokens; row++) {
      const expertId = Math.floor(Math.abs(hidden[row * hiddenSize]!) * 1000) % numExperts
      topkIds.set([expertId, (expertId + 3) % numExperts], row * topK)
      topkWeights.set([0.75, 0.25], row * topK)
    }
    return { hidden, topkIds, topkWeights }
  }

  logits (residual: Float32Array, rows: readonly number[]): Float32Array[] {
    return rows.map(row => Float32Array.from({ length: vocabSize }, (_, token) => {
      let sum = 0
      for (let i = 0; i < hiddenSize; i++) sum += residual[row * hiddenSize + i]! * Math.sin(token * 3 + i * 5)
      return sum
    }))
  }

  dispose (): void { this.isDisposed = true }
}

export class FakeFfnBackend implements FfnBackend {
  readonly held = new Set<string>()
  numRuns = 0
  isDisposed = false
  /** Called in every run, before it computes. */
  onRun: (layerIdx: number, numTokens: number) => void = () => {}

  get weightBytes (): number { return this.held.size * 100 }

  async load (shards: ShardRange, split: FfnSplit): Promise<void> {
    for (let leaf = shards.start; leaf < shards.end; leaf++) this.held.add(`${split}${leaf}`)
  }

  keepOnly (kept: readonly FfnLeaves[]): void {
    for (const key of this.held) {
      const leaf = Number(key.slice(2))
      const isKept = kept.some(({ shards, split }) => key.startsWith(split) && leaf >= shards.start && leaf < shards.end)
      if (!isKept) this.held.delete(key)
    }
  }

  run (
    layerIdx: number, shards: ShardRange, split: FfnSplit, hidden: Float32Array, topkIds: Uint16Array, topkWeights: Float32Array
  ): Float32Array[] {
    this.numRuns++
    this.onRun(layerIdx, hidden.length / hiddenSize)
    const leafOf = (leaf: number): Float32Array => {
      if (!this.held.has(`${split}${leaf}`)) throw new Error(`leaf ${leaf} is not held`)
      return hidden.map((value, i) => {
        return Math.tanh(value * (leaf + 1) + layerIdx) * this.#weightOf(leaf, Math.floor(i / hiddenSize), topkIds, topkWeights)
      })
    }
    const sum = (node: number): Float32Array => {
      if (node >= NUM_VIRTUAL_SHARDS) return leafOf(leavesUnder(node).start)
      const left = sum(node * 2)
      const right = sum(node * 2 + 1)
      return left.map((value, i) => value + right[i]!)
    }
    return subtreeRoots(shards).map(sum)
  }

  /** One expert per leaf. */
  #weightOf (leaf: number, row: number, topkIds: Uint16Array, topkWeights: Float32Array): number {
    if (topkIds.length === 0) return 1 / NUM_VIRTUAL_SHARDS
    let weight = 0
    for (let k = row * topK; k < (row + 1) * topK; k++) if (topkIds[k] === leaf) weight += topkWeights[k]!
    return weight
  }

  dispose (): void { this.isDisposed = true }
}
