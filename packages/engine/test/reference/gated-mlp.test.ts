import { expect, it } from 'vitest'
import { gatedMlp, type GatedMlp } from '../../src/reference/gated-mlp.js'
import { floatMatrix, randomFloats } from './float-matrix.js'

const [gate, up, down] = [1, 2, 3].map(seed => randomFloats(12, seed)) as [Float32Array, Float32Array, Float32Array]

/** Columns [start, end) of the intermediate dimension of 4 of an MLP over 3 channels. */
function slice (start: number, end: number): GatedMlp {
  const columns = Float32Array.from([0, 1, 2].flatMap(row => Array.from(down.subarray(row * 4 + start, row * 4 + end))))
  return {
    gate: floatMatrix(end - start, 3, gate.subarray(start * 3, end * 3)),
    up: floatMatrix(end - start, 3, up.subarray(start * 3, end * 3)),
    down: floatMatrix(3, end - start, columns)
  }
}

it('is down(silu(gate x) * up x)', () => {
  const x = Float32Array.of(0.5, -1, 2)
  const row = (matrix: Float32Array, i: number): number => matrix[i * 3]! * 0.5 - matrix[i * 3 + 1]! + matrix[i * 3 + 2]! * 2
  const inner = [0, 1, 2, 3].map(i => row(gate, i) / (1 + Math.exp(-row(gate, i))) * row(up, i))
  const expected = [0, 1, 2].map(channel => inner.reduce((sum, value, i) => sum + value * down[channel * 4 + i]!, 0))
  expect(Array.from(gatedMlp(x, 1, slice(0, 4)))).toEqual(expected.map(value => expect.closeTo(value, 6)))
})

it('adds up over slices of the intermediate dimension', () => {
  const x = randomFloats(6, 4)
  const [whole, left, right] = [slice(0, 4), slice(0, 1), slice(1, 4)].map(mlp => gatedMlp(x, 2, mlp)) as [Float32Array, Float32Array, Float32Array]
  whole.forEach((value, i) => expect(left[i]! + right[i]!).toBeCloseTo(value, 6))
})
