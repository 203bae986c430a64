import type { RopeConfig } from '@tandem/model'
import { describe, expect, it } from 'vitest'
import { applyRope, ropeAngles } from '../../../src/reference/attention/rope.js'

const config = (interleaved: boolean): RopeConfig => ({
  dim: 4, interleaved, invFreq: Float32Array.of(Math.PI / 2, Math.PI), attentionFactor: 1
})
const rotated = (interleaved: boolean): number[] => {
  const x = Float32Array.of(9, 1, 2, 3, 4, 9)
  applyRope(x, 1, config(interleaved), ropeAngles(config(interleaved), 1))
  return Array.from(x, value => Math.round(value))
}

describe('applyRope', () => {
  // At position 1 the first pair turns by 90 degrees, the second by 180.
  it('turns pairs (i, i + dim / 2)', () => expect(rotated(false)).toEqual([9, -3, -2, 1, -4, 9]))
  it('turns neighbours when interleaved', () => expect(rotated(true)).toEqual([9, -2, 1, -3, -4, 9]))
  it('keeps the dot product of two vectors at the same distance', () => {
    const at = (position: number): Float32Array => {
      const x = Float32Array.of(1, 2, 3, 4)
      applyRope(x, 0, config(false), ropeAngles(config(false), position))
      return x
    }
    const product = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
    expect(product(at(9), at(4))).toBeCloseTo(product(at(25), at(20)), 4)
  })
  it('scales by the attention factor', () => {
    expect(ropeAngles({ ...config(false), attentionFactor: 3 }, 0).cos).toEqual(Float32Array.of(3, 3))
  })
})
