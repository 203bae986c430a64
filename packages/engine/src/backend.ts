// Owns the layer-level contract of a backend: the arithmetic of each side, with no scheduling, no
// topology and no socket. The pipelined engines (pipeline/) drive it; `reference` implements it in
// TypeScript. A native engine may replace pipeline and backend together (types.ts is its contract).
//
// Every row's result depends on that row's own inputs only: same bits alone, in any batch, in any ubatch.
import type { FfnSplit, ShardRange } from '@tandem/core'

/** One sequence's share of a ubatch. Its rows are contiguous: [firstRow, firstRow + numTokens). */
export interface UbatchSequence {
  readonly firstRow: number
  readonly numTokens: number
  /** Position of the first row in the sequence. Row r of this sequence attends to positions 0..startPosition + r. */
  readonly startPosition: number
  /** KV blocks of the sequence in order; covers every position up to the last row's. */
  readonly blockTable: Int32Array
}

export interface Ubatch {
  /** [numTokens] */
  readonly tokenIds: Int32Array
  readonly sequences: readonly UbatchSequence[]
}

/** What leaves the attention side of a layer. */
export interface AttnOutput {
  /** Normalised hidden states, the FFN's input: [numTokens, hiddenSize] float32. */
  readonly hidden: Float32Array
  /** [numTokens, topK]; empty on dense layers. Sorted by weight, best first. */
  readonly topkIds: Uint16Array
  readonly topkWeights: Float32Array
}

export interface AttentionBackend {
  readonly weightBytes: number
  readonly kvCacheBytes: number
  /** The residual stream's first value: [numTokens, hiddenSize]. */
  embed (ubatch: Ubatch): Float32Array
  /**
   * Attention half of a layer: norm, projections, RoPE, writes the rows' K/V into their slots, attention,
   * adds to `residual` in place, then the FFN norm and the router.
   */
  attend (layerIdx: number, ubatch: Ubatch, residual: Float32Array): AttnOutput
  /** Final norm and LM head for chosen rows: one [vocabSize] array each. */
  logits (residual: Float32Array, rows: readonly number[]): Float32Array[]
  dispose (): void
}

/** A range of leaves as an assignment names it. */
export interface FfnLeaves {
  readonly shards: ShardRange
  readonly split: FfnSplit
}

export interface FfnBackend {
  /** Bytes of the leaves held now. */
  readonly weightBytes: number
  /** Makes the leaves of `shards` available under `split`; already loaded ones are kept. Yields while it reads. */
  load (shards: ShardRange, split: FfnSplit, onProgress?: (doneBytes: number, totalBytes: number) => void): Promise<void>
  /** Drops every leaf that is in none of `kept`; each of them has been loaded. */
  keepOnly (kept: readonly FfnLeaves[]): void
  /**
   * FFN half of a layer over the leaves of `shards`, a range given to `load`: one partial [numTokens, hiddenSize] per root of
   * `subtreeRoots(shards)`, in that order. `hidden` is [numTokens, hiddenSize].
   */
  run (
    layerIdx: number, shards: ShardRange, split: FfnSplit,
    hidden: Float32Array, topkIds: Uint16Array, topkWeights: Float32Array
  ): Float32Array[]
  dispose (): void
}
