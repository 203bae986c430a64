// Owns matrix products against stored weights. One weight row is dequantised once and used for all rows of the batch.
//
// Products and sums are doubles; a result is rounded to float32 when it is stored. The order of the additions of one
// result is fixed and does not depend on the number of rows: the same row gives the same bits in any batch.
import { forEachRow, type WeightMatrix } from './weight-matrix.js'

/**
 * y = x W^T: `x` is [numTokens, numColumns], the result [numTokens, numRows]. With `bias` ([numRows]), y = x W^T + bias.
 */
export function linear (x: Float32Array, numTokens: number, weight: WeightMatrix, bias?: Float32Array): Float32Array {
  const { numRows, numColumns } = weight
  const input = Float64Array.from(x)
  const output = new Float32Array(numTokens * numRows)
  forEachRow(weight, 0, numRows, (row, tile, offset) => {
    const addend = bias === undefined ? 0 : bias[row]!
    let token = 0
    for (; token + 1 < numTokens; token += 2) {
      dotOfTwo(input, token * numColumns, tile, offset, numColumns, addend, output, token * numRows + row, numRows)
    }
    if (token < numTokens) {
      output[token * numRows + row] = dot(input, token * numColumns, tile, offset, numColumns) + addend
    }
  })
  return output
}

/** sum_i a[aStart + i] * b[bStart + i]: four running sums over i mod 4, the rest into the first, then (s0 + s1) + (s2 + s3). */
export function dot (
  a: Float64Array | Float32Array, aStart: number, b: Float32Array, bStart: number, length: number
): number {
  let sum0 = 0
  let sum1 = 0
  let sum2 = 0
  let sum3 = 0
  let i = 0
  for (; i + 3 < length; i += 4) {
    sum0 += a[aStart + i]! * b[bStart + i]!
    sum1 += a[aStart + i + 1]! * b[bStart + i + 1]!
    sum2 += a[aStart + i + 2]! * b[bStart + i + 2]!
    sum3 += a[aStart + i + 3]! * b[bStart + i + 3]!
  }
  for (; i < length; i++) sum0 += a[aStart + i]! * b[bStart + i]!
  return (sum0 + sum1) + (sum2 + sum3)
}

/** `dot` for two consecutive rows of `a` at once (each weight is read once), in the same order of additions. */
function dotOfTwo (
  a: Float64Array, aStart: number, b: Float32Array, bStart: number, length: number,
  addend: number, out: Float32Array, outIndex: number, outStride: number
): void {
  const second = aStart + length
  let a0 = 0
  let a1 = 0
  let a2 = 0
  let a3 = 0
  let b0 = 0
  let b1 = 0
  let b2 = 0
  let b3 = 0
  let i = 0
  for (; i + 3 < length; i += 4) {
    const w0 = b[bStart + i]!
    const w1 = b[bStart + i + 1]!
    const w2 = b[bStart + i + 2]!
    const w3 = b[bStart + i + 3]!
    a0 += a[aStart + i]! * w0
    b0 += a[second + i]! * w0
    a1 += a[aStart + i + 1]! * w1
    b1 += a[second + i + 1]! * w1
    a2 += a[aStart + i + 2]! * w2
    b2 += a[second + i + 2]! * w2
    a3 += a[aStart + i + 3]! * w3
    b3 += a[second + i + 3]! * w3
  }
  for (; i < length; i++) {
    const w = b[bStart + i]!
    a0 += a[aStart + i]! * w
    b0 += a[second + i]! * w
  }
  out[outIndex] = (a0 + a1) + (a2 + a3) + addend
  out[outIndex + outStride] = (b0 + b1) + (b2 + b3) + addend
}
