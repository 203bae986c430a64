// Owns causal softmax attention over paged rows. Grouped-query, multi-query (MFA) and absorbed latent attention
// (MLA) differ only in the shapes they pass.
import type { Ubatch, UbatchSequence } from '../../backend.js'
import type { PagedRows } from './kv-cache.js'
import { dot } from '../linear.js'
import { softmax } from '../softmax.js'

export interface AttentionShape {
  readonly numHeads: number
  readonly numKvHeads: number
  /** Width of a query and of a key. */
  readonly keyDim: number
  /** Width of a value: KV head g has elements [g * valueDim, (g + 1) * valueDim) of a row of `values`. */
  readonly valueDim: number
  /** Multiplies q.k. */
  readonly scale: number
}

/**
 * For each row at position t and head h with KV head g = floor(h / (numHeads / numKvHeads)):
 * s_j = scale * q_h.k_gj for j = 0..t; p = softmax(s); out_h = sum_j p_j v_gj.
 * `queries` is [numTokens, numHeads * keyDim]; the result [numTokens, numHeads * valueDim].
 */
export function pagedAttention (
  queries: Float32Array, keys: PagedRows, values: PagedRows, ubatch: Ubatch, shape: AttentionShape
): Float32Array {
  const { numHeads, valueDim } = shape
  const out = new Float32Array(ubatch.tokenIds.length * numHeads * valueDim)
  const sums = new Float64Array(valueDim)
  for (const sequence of ubatch.sequences) {
    const keyOffsets = rowOffsets(keys, sequence)
    const valueOffsets = rowOffsets(values, sequence)
    for (let i = 0; i < sequence.numTokens; i++) {
      const scores = new Float64Array(sequence.startPosition + i + 1)
      for (let head = 0; head < numHeads; head++) {
        const kvHead = Math.floor(head / (numHeads / shape.numKvHeads))
        const queryIdx = (sequence.firstRow + i) * numHeads + head
        scoreKeys(queries, queryIdx * shape.keyDim, keys.data, keyOffsets, kvHead * shape.keyDim, shape, scores)
        softmax(scores)
        weightedSum(scores, values.data, valueOffsets, kvHead * valueDim, sums)
        out.set(sums, queryIdx * valueDim)
      }
    }
  }
  return out
}

/** Where the row of each position of a sequence starts. */
function rowOffsets (rows: PagedRows, { blockTable, startPosition, numTokens }: UbatchSequence): Float64Array {
  const offsets = new Float64Array(startPosition + numTokens)
  for (let position = 0; position < offsets.length; position++) offsets[position] = rows.offsetOf(blockTable, position)
  return offsets
}

/** scores_j = scale * q.k_j for every j of `scores`. */
function scoreKeys (
  queries: Float32Array, query: number, keys: Float32Array, offsets: Float64Array, column: number,
  { keyDim, scale }: AttentionShape, scores: Float64Array
): void {
  for (let j = 0; j < scores.length; j++) scores[j] = scale * dot(queries, query, keys, offsets[j]! + column, keyDim)
}

/** sums_i = sum_j weights_j * rows[offsets_j + column + i], j ascending. */
function weightedSum (weights: Float64Array, rows: Float32Array, offsets: Float64Array, column: number, sums: Float64Array): void {
  sums.fill(0)
  for (let j = 0; j < weights.length; j++) {
    const weight = weights[j]!
    const start = offsets[j]! + column
    for (let i = 0; i < sums.length; i++) sums[i]! += weight * rows[start + i]!
  }
}
