// Owns small float32 matrices and seeded numbers for tests of the arithmetic.
import { uniformAt } from '../../src/sampler/philox.js'
import type { WeightMatrix } from '../../src/reference/weight-matrix.js'

/** A row-major [numRows, numColumns] matrix that is stored as float32. */
export function floatMatrix (numRows: number, numColumns: number, values: Float32Array): WeightMatrix {
  return {
    numRows,
    numColumns,
    byteLength: values.byteLength,
    dequantize: (firstRow, count, out) => out.set(values.subarray(firstRow * numColumns, (firstRow + count) * numColumns))
  }
}

/** `count` numbers in [-1, 1), the same for the same seed. */
export function randomFloats (count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => 2 * uniformAt(seed, i) - 1)
}
