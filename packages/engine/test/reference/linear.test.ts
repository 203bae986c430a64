import { describe, expect, it } from 'vitest'
import { dot, linear } from '../../src/reference/linear.js'
import { floatMatrix, randomFloats } from './float-matrix.js'

const numRows = 37
const numColumns = 403 // not a multiple of 4, and tiles of 20 rows do not divide 37
const weights = randomFloats(numRows * numColumns, 1)
const matrix = floatMatrix(numRows, numColumns, weights)

describe('linear', () => {
  it('is x W^T + b', () => {
    const x = randomFloats(2 * numColumns, 2)
    const bias = randomFloats(numRows, 3)
    const y = linear(x, 2, matrix, bias)
    for (let token = 0; token < 2; token++) {
      for (let row = 0; row < numRows; row++) {
        let expected = bias[row]!
        for (let i = 0; i < numColumns; i++) expected += x[token * numColumns + i]! * weights[row * numColumns + i]!
        expect(y[token * numRows + row]).toBeCloseTo(expected, 5)
      }
    }
  })

  it('gives a row the same bits alone and in any batch', () => {
    const x = randomFloats(7 * numColumns, 4)
    const together = linear(x, 7, matrix)
    for (let token = 0; token < 7; token++) {
      const alone = linear(x.subarray(token * numColumns, (token + 1) * numColumns), 1, matrix)
      expect(together.subarray(token * numRows, (token + 1) * numRows)).toEqual(alone)
    }
  })

  it('of no tokens is empty', () => expect(linear(new Float32Array(0), 0, matrix)).toHaveLength(0))
})

describe('dot', () => {
  it('adds every element once, wherever it starts', () => {
    for (let length = 0; length < 10; length++) {
      expect(dot(Float32Array.from({ length: 12 }, (_, i) => 2 ** i), 1, new Float32Array(12).fill(1), 2, length)).toBe(2 ** (length + 1) - 2)
    }
  })
})
