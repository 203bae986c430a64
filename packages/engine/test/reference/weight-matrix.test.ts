import { expect, it } from 'vitest'
import { forEachRow } from '../../src/reference/weight-matrix.js'
import { floatMatrix } from './float-matrix.js'

it.each([
  [5, 3], // one tile
  [7, 4000], // tiles of two rows, the last of one
  [3, 9000] // rows longer than a tile
])('visits each row of a [%i, %i] matrix once, in order', (numRows, numColumns) => {
  const matrix = floatMatrix(numRows, numColumns, Float32Array.from({ length: numRows * numColumns }, (_, i) => i))
  const visited: number[] = []
  forEachRow(matrix, 1, numRows, (row, tile, offset) => {
    visited.push(row)
    expect([tile[offset], tile[offset + numColumns - 1]]).toEqual([row * numColumns, (row + 1) * numColumns - 1])
  })
  expect(visited).toEqual(Array.from({ length: numRows - 1 }, (_, i) => i + 1))
})
