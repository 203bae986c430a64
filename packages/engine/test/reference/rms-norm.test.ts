import { expect, it } from 'vitest'
import { rmsNorm } from '../../src/reference/rms-norm.js'

it('divides by the root of the mean square and multiplies by the weight', () => {
  // mean(3^2, 4^2) = 12.5; with eps 3.5 the root is 4.
  expect(Array.from(rmsNorm(Float32Array.of(3, 4), Float32Array.of(1, 2), 3.5))).toEqual([0.75, 2])
})

it('normalises each group of the weight\'s length on its own, in place when asked', () => {
  const x = Float32Array.of(3, 4, 30, 40)
  expect(rmsNorm(x, Float32Array.of(1, 1), 0, x)).toBe(x)
  expect(x.slice(0, 2)).toEqual(x.slice(2))
})
