// Owns causal softmax attention over paged rows. Grouped-query, multi-query (MFA) and absorbed latent attention
// (MLA) differ only in the shapes they pass.
import type { Ubatch, UbatchSequence } from '../../backend.js'
import { forEachToken, type PagedRows } from './kv-cache.js'
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
  const { numHeads, keyDim, valueDim } = shape
  const headsPerKvHead = numHeads / shape.numKvHeads
  const out = new Float32Array(ubatch.tokenIds.length * numHeads * valueDim)
  const sums = new Float64Array(valueDim)
  forEachToken(ubatch, (row, position, sequence) => {
    const weights = new Float64Array(position + 1)
    const keyOffsets = offsetsUpTo(keys, sequence, position)
    const valueOffsets = values === keys ? keyOffsets : offsetsUpTo(values, sequence, position)
    for (let head = 0; head < numHeads; head++) {
      const kvHead = Math.floor(head / headsPerKvHead)
      const query = (row * numHeads + head) * keyDim
      for (let j = 0; j <= position; j++) {
        weights[j] = shape.scale * dot(queries, query, keys.data, keyOffsets[j]! + kvHead * keyDim, keyDim)
      }
      softmax(weights)
      weightedSum(weights, values.data, valueOffsets, kvHead * valueDim, sums)
      out.set(sums, (row * numHeads + head) * valueDim)
    }
  })
  return out
}

function offsetsUpTo (rows: PagedRows, { blockTable }: UbatchSequence, position: number): Float64Array {
  return Float64Array.from({ length: position + 1 }, (_, j) => rows.offsetOf(blockTable, j))
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
