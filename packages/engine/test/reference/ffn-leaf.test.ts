import { expect, it } from 'vitest'
import { leafPartial } from '../../src/reference/ffn-leaf.js'
import { gatedMlp, type GatedMlp } from '../../src/reference/gated-mlp.js'
import { floatMatrix, randomFloats } from './float-matrix.js'

const hiddenSize = 3
const mlpOf = (seed: number): GatedMlp => ({
  gate: floatMatrix(2, hiddenSize, randomFloats(6, seed)),
  up: floatMatrix(2, hiddenSize, randomFloats(6, seed + 100)),
  down: floatMatrix(hiddenSize, 2, randomFloats(6, seed + 200))
})
const hidden = randomFloats(2 * hiddenSize, 9)
const untouched: GatedMlp = {
  ...mlpOf(5),
  gate: { numRows: 2, numColumns: hiddenSize, byteLength: 0, dequantize: () => { throw new Error('dequantised an expert no token chose') } }
}

it('adds the weighted experts by ascending id, then the part every token takes', () => {
  const layer = { always: mlpOf(1), experts: new Map([[4, mlpOf(2)], [6, mlpOf(3)], [7, untouched]]) }
  // Token 0 chose 6 and 4, token 1 chose 4 and expert 0, which is another shard's.
  const partial = leafPartial(layer, { hidden, hiddenSize, topkIds: Uint16Array.of(6, 4, 4, 0), topkWeights: Float32Array.of(0.6, 0.3, 0.8, 0.2) })

  const outputOf = (mlp: GatedMlp, token: number): Float32Array => gatedMlp(hidden.slice(token * hiddenSize, (token + 1) * hiddenSize), 1, mlp)
  const f = Math.fround
  const expected = [0, 1].flatMap(token => [0, 1, 2].map(i => {
    let sum = f(f(token === 0 ? 0.3 : 0.8) * outputOf(mlpOf(2), token)[i]!)
    if (token === 0) sum = f(sum + f(0.6) * outputOf(mlpOf(3), token)[i]!)
    return f(sum + outputOf(mlpOf(1), token)[i]!)
  }))
  expect(Array.from(partial)).toEqual(expected)
})

it('is zero where a shard has no work', () => {
  expect(leafPartial({ experts: new Map() }, { hidden, hiddenSize, topkIds: new Uint16Array(0), topkWeights: new Float32Array(0) }))
    .toEqual(new Float32Array(hidden.length))
})
