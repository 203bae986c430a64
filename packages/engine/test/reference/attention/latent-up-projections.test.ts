import type { MlaConfig, MlaWeights, TensorRef } from '@tandem/model'
import { expect, it } from 'vitest'
import { loadUpProjections } from '../../../src/reference/attention/latent-up-projections.js'
import { floatMatrix, randomFloats } from '../float-matrix.js'

const config: MlaConfig = {
  kind: 'mla', numHeads: 2, qLoraRank: null, kvLoraRank: 5, qkNopeHeadDim: 3, qkRopeHeadDim: 2, vHeadDim: 4, loraNormEps: 1e-6
}
const ref = (name: string, shape: number[]): TensorRef => ({ name, dtype: 'F32', shape, path: '', offset: 0, byteLength: 0 })

/** [numHeads * (nope + v), kvLoraRank], and the same numbers as GGUF splits and transposes them. */
const joined = randomFloats(2 * 7 * 5, 1)
const element = (head: number, row: number, column: number): number => joined[(head * 7 + row) * 5 + column]!
const keysTransposed = Float32Array.from({ length: 2 * 5 * 3 }, (_, i) => element(Math.floor(i / 15), i % 3, Math.floor(i / 3) % 5))
const values = Float32Array.from({ length: 2 * 4 * 5 }, (_, i) => element(Math.floor(i / 20), 3 + Math.floor(i / 5) % 4, i % 5))

const source = {
  matrix: async ({ name }: TensorRef) => {
    if (name === 'kvB') return floatMatrix(14, 5, joined)
    return name === 'kB' ? floatMatrix(10, 3, keysTransposed) : floatMatrix(8, 5, values)
  },
  vector: async () => new Float32Array(0)
}

it('is the same from one matrix and from the two of GGUF files', async () => {
  const base = { kind: 'mla' as const, kvA: ref('kvA', []), kvANorm: ref('norm', []), o: ref('o', []) }
  const fromOne = await loadUpProjections(config, { ...base, kvB: ref('kvB', [14, 5]) } satisfies MlaWeights, source)
  const fromTwo = await loadUpProjections(config, { ...base, kB: ref('kB', [2, 5, 3]), vB: ref('vB', [2, 4, 5]) } satisfies MlaWeights, source)
  const queries = randomFloats(3 * 2 * 5, 2)
  const latents = randomFloats(3 * 2 * 5, 3)
  const close = (expected: Float32Array): unknown[] => Array.from(expected, value => expect.closeTo(value, 6))

  const absorbed = fromOne.absorbQueries(queries, 3)
  expect(Array.from(fromTwo.absorbQueries(queries, 3))).toEqual(close(absorbed))
  expect(Array.from(fromTwo.expandValues(latents, 3))).toEqual(close(fromOne.expandValues(latents, 3)))

  // Token 1, head 1: element 2 of W_k^T q, and the rotated part carried along.
  const expected = [0, 1, 2].reduce((sum, n) => sum + element(1, n, 2) * queries[(1 * 2 + 1) * 5 + n]!, 0)
  expect(absorbed[(1 * 2 + 1) * 7 + 2]).toBeCloseTo(expected, 6)
  expect(absorbed.slice((1 * 2 + 1) * 7 + 5, (1 * 2 + 2) * 7)).toEqual(queries.slice((1 * 2 + 1) * 5 + 3, (1 * 2 + 2) * 5))
})
