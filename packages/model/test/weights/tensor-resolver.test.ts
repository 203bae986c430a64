import { describe, expect, it } from 'vitest'
import { mergeTensorTables } from '../../src/weights/stored-tensor.js'
import type { StoredTensor } from '../../src/weights/stored-tensor.js'
import { sliceStacked, TensorResolver } from '../../src/weights/tensor-resolver.js'
import type { TensorRef } from '../../src/weights.js'

function stored (name: string, shape: readonly number[], dtype: StoredTensor['dtype'] = 'F32', byteLength = 4 * shape.reduce((a, b) => a * b, 1)): StoredTensor {
  return { name, dtype, storedDtype: dtype ?? 'U8', shape, path: 'f', offset: 100, byteLength }
}

describe('TensorResolver', () => {
  const table = mergeTensorTables([[stored('a', [2, 3]), stored('bytes', [2], null, 2)]])
  const tensors = new TensorResolver('dir', table)

  it('gives a reference, or names what is missing, misshapen or undecodable', () => {
    expect(tensors.require('a', [2, 3])).toEqual({ name: 'a', dtype: 'F32', shape: [2, 3], path: 'f', offset: 100, byteLength: 24 })
    expect(() => tensors.require('b', [4])).toThrow('dir: tensor b is missing (expected shape [4])')
    expect(() => tensors.require('a', [3, 2])).toThrow('f: tensor a has shape [2, 3], expected [3, 2]')
    expect(() => tensors.require('a', [6])).toThrow('expected [6]')
    expect(() => tensors.require('bytes', [2])).toThrow(/bytes is stored as U8, expected F32/)
  })

  it('refuses a tensor that is in two files', () => {
    expect(() => mergeTensorTables([[stored('a', [1])], [stored('a', [1])]])).toThrow('tensor a occurs twice')
  })
})

describe('sliceStacked', () => {
  const scale: TensorRef = { name: 's', dtype: 'F32', shape: [3, 2, 1], path: 'f', offset: 1000, byteLength: 24 }
  const ref: TensorRef = {
    name: 'w', dtype: 'F8_E4M3', shape: [3, 8, 4], path: 'f', offset: 0, byteLength: 96, blockScale: { ref: scale, blockRows: 4, blockColumns: 4 }
  }

  it('cuts the matrix and its scales', () => {
    expect(sliceStacked(ref, 2, 4, 8)).toMatchObject({
      name: 'w[2]', shape: [4, 4], offset: 80, byteLength: 16, blockScale: { ref: { shape: [1, 1], offset: 1020, byteLength: 4 } }
    })
  })

  it('refuses a cut inside a block and an index outside', () => {
    expect(() => sliceStacked(ref, 0, 2, 8)).toThrow(/pieces that start at a multiple of 4 rows/)
    expect(() => sliceStacked(ref, 3, 0, 8)).toThrow(/has no slice 3/)
  })
})
