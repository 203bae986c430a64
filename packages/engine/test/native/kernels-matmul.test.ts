import { tensorDtypes, type TensorDtype } from '@tandem/model'
import { describe, expect, test } from 'vitest'
import type { IsaPath } from '../../src/native/kernels.js'
import {
  availablePaths, bf16Paths, dequantized, eightBitPaths, exactProduct, kernelsOn, kernelsOrNull, largest, packRows, randomRows, roundToInt8,
  seededFloats
} from './support/kernel-cases.js'

/** One row length per block size; odd numbers of outputs and rows reach every tail. */
const columnsOf = (dtype: TensorDtype): number => dtype.endsWith('_K') ? 512 : dtype.startsWith('Q') || dtype === 'BF16' ? 288 : 200
const numOutputs = 52
const numRows = 37
const isQuantized = (dtype: TensorDtype): boolean => dtype.startsWith('Q')

/** Float32 sums in another order than the oracle's: a relative error of the sum of absolute products. */
const tolerance = 2e-6
/** Activations rounded to 8 significant bits and weights cut to as many. */
const bf16Tolerance = 2 ** -7
/** Of the other types those whose rows are whole blocks are rounded as well. */
const roundsToBf16 = (isa: IsaPath, dtype: TensorDtype): boolean => isa === 'amx_bf16' && (isQuantized(dtype) || dtype === 'BF16')
const toleranceOf = (isa: IsaPath, dtype: TensorDtype): number => roundsToBf16(isa, dtype) ? bf16Tolerance : tolerance

function product (isa: number, dtype: TensorDtype, x: Float32Array, rows: number): Float32Array {
  const kernels = kernelsOn(isa)
  const matrix = packRows(kernels, randomRows(dtype, numOutputs, columnsOf(dtype), 7))
  const y = new Float32Array(rows * numOutputs)
  kernels.matmul(matrix, x, rows, 0, numOutputs, y, false)
  return y
}

describe.skipIf(kernelsOrNull === null)('packed matrix', () => {
  test.each(tensorDtypes)('%s gives back the stored weights, for the whole matrix and for a range', dtype => {
    const kernels = kernelsOrNull!
    const numColumns = dtype.endsWith('_K') ? 768 : 320
    const rows = randomRows(dtype, 70, numColumns, 3)
    const weights = dequantized(rows)
    const cut = dtype.endsWith('_K') ? 256 : 96
    for (const range of [
      { rowBegin: 0, rowEnd: 70, columnBegin: 0, columnEnd: numColumns },
      { rowBegin: 17, rowEnd: 51, columnBegin: cut, columnEnd: numColumns - (dtype.endsWith('_K') ? 256 : 32) }
    ]) {
      const matrix = packRows(kernels, rows, range)
      for (let row = range.rowBegin; row < range.rowEnd; row++) {
        const start = row * numColumns
        const expected = weights.subarray(start + range.columnBegin, start + range.columnEnd)
        const actual = kernels.unpackOutput(matrix, row - range.rowBegin)
        expect(actual.length).toBe(expected.length)
        expect(largest(actual, i => Math.abs(actual[i]! - expected[i]!))).toBeLessThan(1e-6)
      }
    }
  })

  test.each(tensorDtypes)('%s takes about its stored size', dtype => {
    const rows = randomRows(dtype, 64, 512, 1)
    expect(kernelsOrNull!.matrixBytes(packRows(kernelsOrNull!, rows)) / rows.bytes.length).toBeLessThan(dtype === 'F8_E4M3' ? 1.07 : 1.04)
  })

  test('says why a range cannot be packed', () => {
    const rows = randomRows('Q4_K', 16, 512, 1)
    const range = { rowBegin: 0, rowEnd: 16, columnBegin: 32, columnEnd: 512 }
    expect(() => packRows(kernelsOrNull!, rows, range)).toThrow('the column range cuts a block')
    expect(() => packRows(kernelsOrNull!, { ...rows, bytes: rows.bytes.subarray(1) })).toThrow('bytes instead of')
    expect(() => packRows(kernelsOrNull!, rows, { ...range, columnBegin: 0, rowEnd: 17 })).toThrow('the row range is outside')
  })
})

describe.each(availablePaths)('matmul on $isa', ({ isa, index }) => {
  test.each(tensorDtypes)('%s equals the product of dequantised weights and rounded activations', dtype => {
    const numColumns = columnsOf(dtype)
    const x = seededFloats(11, numRows * numColumns)
    const y = product(index, dtype, x, numRows)
    const weights = dequantized(randomRows(dtype, numOutputs, numColumns, 7))
    const exact = exactProduct(isQuantized(dtype) && isa !== 'amx_bf16' ? roundToInt8(x) : x, weights, numRows, numOutputs, numColumns)
    expect(largest(y, i => Math.abs(y[i]! - exact.y[i]!) / (toleranceOf(isa, dtype) * exact.magnitude[i]! + 1e-7))).toBeLessThanOrEqual(1)
  })

  test.each(tensorDtypes.filter(isQuantized))('%s does not overflow with codes at both ends of their range', dtype => {
    const kernels = kernelsOn(index)
    const count = 33
    for (const fill of [0x00, 0x7f, 0x80, 0xff]) {
      const rows = randomRows(dtype, 16, 256, 7, fill)
      const matrix = packRows(kernels, rows)
      for (const value of [1, -1]) {
        const x = new Float32Array(count * 256).fill(value)
        const y = new Float32Array(count * 16)
        kernels.matmul(matrix, x, count, 0, 16, y, false)
        const exact = exactProduct(x, dequantized(rows), count, 16, 256)
        expect(largest(y, i => Math.abs(y[i]! - exact.y[i]!) / (toleranceOf(isa, dtype) * exact.magnitude[i]! + 1e-7))).toBeLessThanOrEqual(1)
      }
    }
  })

  test.each(tensorDtypes)('%s gives a row the same bits alone and in any batch', dtype => {
    const numColumns = columnsOf(dtype)
    const x = seededFloats(12, 150 * numColumns)
    const all = product(index, dtype, x, 150)
    for (const size of [1, 2, 3, 5, 8, 16, 33, 43, 64, 129]) {
      const first = 150 - size
      const some = product(index, dtype, x.slice(first * numColumns), size)
      expect(some).toEqual(all.slice(first * numOutputs))
    }
  })

  test('columns computed in pieces, a bias and a residual', () => {
    const kernels = kernelsOn(index)
    const matrix = packRows(kernels, randomRows('Q4_1', numOutputs, 288, 7))
    const x = seededFloats(13, 3 * 288)
    const plain = product(index, 'Q4_1', x, 3)
    const bias = seededFloats(14, numOutputs)
    const y = seededFloats(15, 3 * numOutputs)
    const expected = y.map((value, i) => Math.fround(value + Math.fround(plain[i]! + bias[i % numOutputs]!)))
    kernels.matmul(matrix, x, 3, 16, 48, y, true, bias)
    kernels.matmul(matrix, x, 3, 48, numOutputs, y, true, bias)
    kernels.matmul(matrix, x, 3, 0, 16, y, true, bias)
    expect(y).toEqual(expected)
  })

  test('zero rows and rows of one huge value stay finite', () => {
    const x = new Float32Array(2 * 288)
    x[288 + 5] = 3e30
    for (const value of product(index, 'Q8_0', x, 2)) expect(Number.isFinite(value)).toBe(true)
  })

  test('matmulScatter adds weighted rows where they belong', () => {
    const kernels = kernelsOn(index)
    const matrix = packRows(kernels, randomRows('Q8_0', numOutputs, 288, 7))
    const x = seededFloats(16, 9 * 288)
    const all = product(index, 'Q8_0', x, 9)
    const rowOf = Int32Array.of(7, 2, 4)
    const factor = Float32Array.of(0.5, 2, 0.25)
    const y = new Float32Array(9 * numOutputs).fill(1)
    kernels.matmulScatter(matrix, x, 3, rowOf, factor, y)
    const expected = new Float32Array(9 * numOutputs).fill(1)
    rowOf.forEach((row, r) => {
      for (let c = 0; c < numOutputs; c++) expected[row * numOutputs + c]! += Math.fround(factor[r]! * all[row * numOutputs + c]!)
    })
    expect(y).toEqual(expected)
  })
})

describe.skipIf(eightBitPaths.length < 2)('instruction sets', () => {
  test.each(tensorDtypes)('%s has the same bits on every path', dtype => {
    const x = seededFloats(17, numRows * columnsOf(dtype))
    const [first, ...others] = eightBitPaths.map(({ index }) => product(index, dtype, x, numRows))
    for (const other of others) expect(other).toEqual(first)
  })
})

describe.each(bf16Paths)('bf16 products on $isa', ({ index }) => {
  test('BF16 weights are taken as they are', () => {
    const x = seededFloats(19, numRows * 288)
    const kernels = kernelsOn(index)
    const rounded = kernels.fromBf16(kernels.toBf16(x))
    const exact = exactProduct(rounded, dequantized(randomRows('BF16', numOutputs, 288, 7)), numRows, numOutputs, 288)
    const y = product(index, 'BF16', x, numRows)
    expect(largest(y, i => Math.abs(y[i]! - exact.y[i]!) / (tolerance * exact.magnitude[i]!))).toBeLessThanOrEqual(1)
  })

  test('rows of BF16 weights that are no whole blocks stay float32', () => {
    const x = seededFloats(20, 3 * 200)
    const y = [index, eightBitPaths[0]!.index].map(isa => {
      const kernels = kernelsOn(isa)
      const out = new Float32Array(3 * numOutputs)
      kernels.matmul(packRows(kernels, randomRows('BF16', numOutputs, 200, 7)), x, 3, 0, numOutputs, out, false)
      return out
    })
    expect(y[0]).toEqual(y[1])
  })

  test.each(tensorDtypes.filter(isQuantized))('%s errs less than with 8-bit activations, and to neither side', dtype => {
    const numColumns = columnsOf(dtype)
    const x = seededFloats(18, numRows * numColumns)
    const exact = exactProduct(x, dequantized(randomRows(dtype, numOutputs, numColumns, 7)), numRows, numOutputs, numColumns)
    const sumOf = (values: Float32Array, term: (error: number, expected: number) => number): number =>
      values.reduce((sum, value, i) => sum + term(value - exact.y[i]!, exact.y[i]!), 0)
    const square = (error: number): number => error * error
    const y = product(index, dtype, x, numRows)
    expect(sumOf(y, square)).toBeLessThan(sumOf(product(eightBitPaths[0]!.index, dtype, x, numRows), square))
    // Weights are cut, which would make every sum 0.3 % too small.
    const share = sumOf(y, (error, expected) => error * expected) / sumOf(y, (_, expected) => expected * expected)
    expect(Math.abs(share)).toBeLessThan(2 ** -10)
  })
})
