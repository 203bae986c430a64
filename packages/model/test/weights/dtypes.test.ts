import { describe, expect, it } from 'vitest'
import { bytesOfElements, bytesOfTensor, numColumnsOf, numRowsOf, rowBytesOf } from '../../src/weights/dtypes.js'
import type { TensorRef } from '../../src/weights.js'

function ref (shape: readonly number[], dtype: TensorRef['dtype'] = 'F32'): TensorRef {
  return { name: 'w', dtype, shape, path: 'f', offset: 0, byteLength: shape.reduce((a, b) => a * b, 4) }
}

describe('rows and columns', () => {
  it.each([[[7], 1, 7], [[2, 3], 2, 3], [[2, 3, 5], 6, 5], [[], 1, 1]])('of %j are %d and %d', (shape, numRows, numColumns) => {
    expect([numRowsOf({ shape }), numColumnsOf({ shape })]).toEqual([numRows, numColumns])
  })
})

describe('bytes', () => {
  it('of rows follow the blocks, which cannot be cut', () => {
    expect(rowBytesOf({ dtype: 'Q4_1', shape: [2, 64] })).toBe(40)
    expect(rowBytesOf({ dtype: 'Q6_K', shape: [512] })).toBe(420)
    expect(() => bytesOfElements('Q8_0', 33)).toThrow('33 elements are not whole Q8_0 blocks of 32')
  })

  it('of a tensor include its block scales', () => {
    const scale = ref([2, 2])
    expect(bytesOfTensor(ref([4, 4]))).toBe(64)
    expect(bytesOfTensor({ ...ref([4, 4]), blockScale: { ref: scale, blockRows: 2, blockColumns: 2 } })).toBe(80)
  })
})
