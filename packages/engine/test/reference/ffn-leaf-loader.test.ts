import type { TensorDtype, TensorRef } from '@tandem/model'
import { describe, expect, it } from 'vitest'
import { ffnUnitSize, loadLeaves } from '../../src/reference/ffn-leaf-loader.js'
import { openGoldenModel } from './golden-models.js'

const refOf = (dtype: TensorDtype): TensorRef => ({ name: 'down', dtype, shape: [64, 256], path: '', offset: 0, byteLength: 0 })

describe('ffnUnitSize', () => {
  it.each([['F32', 4], ['BF16', 4], ['Q4_1', 32], ['Q8_0', 32], ['Q6_K', 256]] as const)('of %s is %i', (dtype, size) => {
    expect(ffnUnitSize(refOf(dtype))).toBe(size)
  })
  it('of F8_E4M3 is the width of a scale block', () => {
    expect(ffnUnitSize({ ...refOf('F8_E4M3'), blockScale: { ref: refOf('F32'), blockRows: 128, blockColumns: 128 } })).toBe(128)
  })
})

describe('loadLeaves', () => {
  it('deals experts to shards by ep and slices of each by tp', async () => {
    const model = await openGoldenModel('step3-bf16') // layer 0 dense (96), layers 1 and 2 with 6 experts (32) and a shared one (48)
    const widths = async (split: 'ep' | 'tp'): Promise<unknown[]> => {
      const leaves = await loadLeaves(model, [0, 1, 7], split)
      return leaves.map(({ layers }) => [
        layers[0]!.always?.gate.numRows, layers[1]!.always?.gate.numRows, [...layers[1]!.experts].map(([id, mlp]) => [id, mlp.down.numColumns])
      ])
    }
    // ep: shard s has experts floor(6 s / 8) .. floor(6 (s + 1) / 8). Dense and shared: 24 and 12 units of 4 over 8 shards.
    expect(await widths('ep')).toEqual([[12, 4, []], [12, 8, [[0, 32]]], [12, 8, [[5, 32]]]])
    const everyExpert = [0, 1, 2, 3, 4, 5].map(id => [id, 4])
    expect(await widths('tp')).toEqual([[12, 4, everyExpert], [12, 8, everyExpert], [12, 8, everyExpert]])
  })
})
