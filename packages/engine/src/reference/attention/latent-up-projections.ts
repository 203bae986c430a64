// Owns the per-head up-projections of latent attention, applied to queries and outputs (facts/models.md, B.3, "absorbed").
// Checkpoints store them as one matrix or as two (GGUF, keys already transposed).
import { assert } from '@tandem/core'
import type { MlaConfig, MlaWeights, TensorRef } from '@tandem/model'
import { dot } from '../linear.js'
import { forEachRow, type WeightMatrix } from '../weight-matrix.js'
import type { WeightSource } from './attention.js'

export interface UpProjections {
  /** Per head [qn (nope) | qr (rope)] -> [W_k^T qn (kvLoraRank) | qr]. */
  absorbQueries (queries: Float32Array, numTokens: number): Float32Array
  /** Per head c (kvLoraRank) -> W_v c (vHeadDim). */
  expandValues (latents: Float32Array, numTokens: number): Float32Array
}

export async function loadUpProjections (config: MlaConfig, weights: MlaWeights, source: WeightSource<TensorRef>): Promise<UpProjections> {
  const { qkNopeHeadDim: nope, vHeadDim } = config
  if (weights.kvB !== undefined) {
    // Rows per head: nope of keys, then vHeadDim of values.
    const kvB = await source.matrix(weights.kvB)
    const rowsPerHead = nope + vHeadDim
    return {
      absorbQueries: (queries, numTokens) => withRotatedPart(config, queries, numTokens, (head, absorbed) => {
        absorbRows(config, queries, numTokens, head, kvB, head * rowsPerHead, absorbed)
      }),
      expandValues: (latents, numTokens) => expand(config, latents, numTokens, kvB, rowsPerHead, nope)
    }
  }
  assert(weights.kB && weights.vB, 'latent attention has kvB, or kB and vB')
  const kB = await source.matrix(weights.kB)
  const vB = await source.matrix(weights.vB)
  return {
    absorbQueries: (queries, numTokens) => withRotatedPart(config, queries, numTokens, (head, absorbed) => {
      absorbColumns(config, queries, numTokens, head, kB, absorbed)
    }),
    expandValues: (latents, numTokens) => expand(config, latents, numTokens, vB, vHeadDim, 0)
  }
}

/** Fills [numTokens, numHeads, kvLoraRank + rope]: the absorbed part from `absorbHead` ([numTokens, kvLoraRank]), the rotated part copied. */
function withRotatedPart (
  config: MlaConfig, queries: Float32Array, numTokens: number, absorbHead: (head: number, absorbed: Float64Array) => void
): Float32Array {
  const { numHeads, kvLoraRank, qkNopeHeadDim: nope, qkRopeHeadDim: rope } = config
  const out = new Float32Array(numTokens * numHeads * (kvLoraRank + rope))
  const absorbed = new Float64Array(numTokens * kvLoraRank)
  for (let head = 0; head < numHeads; head++) {
    absorbHead(head, absorbed.fill(0))
    for (let token = 0; token < numTokens; token++) {
      const from = (token * numHeads + head) * (nope + rope)
      const to = (token * numHeads + head) * (kvLoraRank + rope)
      out.set(absorbed.subarray(token * kvLoraRank, (token + 1) * kvLoraRank), to)
      out.set(queries.subarray(from + nope, from + nope + rope), to + kvLoraRank)
    }
  }
  return out
}

/** absorbed += q_n * row_n for the `nope` rows of the head, n ascending. */
function absorbRows (
  config: MlaConfig, queries: Float32Array, numTokens: number, head: number, matrix: WeightMatrix, firstRow: number, absorbed: Float64Array
): void {
  const { numHeads, kvLoraRank, qkNopeHeadDim: nope, qkRopeHeadDim: rope } = config
  forEachRow(matrix, firstRow, firstRow + nope, (row, tile, offset) => {
    for (let token = 0; token < numTokens; token++) {
      const q = queries[(token * numHeads + head) * (nope + rope) + row - firstRow]!
      const start = token * kvLoraRank
      for (let i = 0; i < kvLoraRank; i++) absorbed[start + i]! += q * tile[offset + i]!
    }
  })
}

/** The same from the transposed matrix: absorbed_i = row_i . q over the head's kvLoraRank rows of length nope. */
function absorbColumns (
  config: MlaConfig, queries: Float32Array, numTokens: number, head: number, matrix: WeightMatrix, absorbed: Float64Array
): void {
  const { numHeads, kvLoraRank, qkNopeHeadDim: nope, qkRopeHeadDim: rope } = config
  const firstRow = head * kvLoraRank
  forEachRow(matrix, firstRow, firstRow + kvLoraRank, (row, tile, offset) => {
    for (let token = 0; token < numTokens; token++) {
      absorbed[token * kvLoraRank + row - firstRow] = dot(queries, (token * numHeads + head) * (nope + rope), tile, offset, nope)
    }
  })
}

/** out_hi = row . c_h with row = rows [head * rowsPerHead + firstValueRow + i]. */
function expand (
  config: MlaConfig, latents: Float32Array, numTokens: number, matrix: WeightMatrix, rowsPerHead: number, firstValueRow: number
): Float32Array {
  const { numHeads, kvLoraRank, vHeadDim } = config
  const out = new Float32Array(numTokens * numHeads * vHeadDim)
  for (let head = 0; head < numHeads; head++) {
    const firstRow = head * rowsPerHead + firstValueRow
    forEachRow(matrix, firstRow, firstRow + vHeadDim, (row, tile, offset) => {
      for (let token = 0; token < numTokens; token++) {
        const headIndex = token * numHeads + head
        out[headIndex * vHeadDim + row - firstRow] = dot(latents, headIndex * kvLoraRank, tile, offset, kvLoraRank)
      }
    })
  }
  return out
}
