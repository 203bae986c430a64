import { describe, expect, it } from 'vitest'
import { bfloat16Of, e4m3Of, e4m3Values } from '../src/fp8.js'
import { seededRandom } from './support/random.js'

/** The nearest code by search; ties go to the even code. */
function nearestE4m3 (value: number): number {
  const magnitude = Math.min(Math.abs(value), 448)
  let best = 0
  for (let code = 0; code <= 0x7e; code++) {
    const distance = Math.abs(e4m3Values[code]! - magnitude)
    const bestDistance = Math.abs(e4m3Values[best]! - magnitude)
    if (distance < bestDistance || (distance === bestDistance && code % 2 === 0)) best = code
  }
  return best | (value < 0 || Object.is(value, -0) ? 0x80 : 0)
}

describe('e4m3', () => {
  it('has the values of the format', () => {
    expect(e4m3Values[0x01]).toBe(2 ** -9)
    expect(e4m3Values[0x08]).toBe(2 ** -6)
    expect(e4m3Values[0x38]).toBe(1)
    expect(e4m3Values[0x7e]).toBe(448)
    expect(e4m3Values[0xfe]).toBe(-448)
    expect(e4m3Values[0x7f]).toBeNaN()
  })

  it('keeps every finite value', () => {
    for (let code = 0; code < 256; code++) {
      if ((code & 0x7f) !== 0x7f) expect(e4m3Of(e4m3Values[code]!)).toBe(code)
    }
  })

  it('rounds to the nearest, ties to even', () => {
    for (let code = 0; code < 0x7e; code++) {
      const middle = (e4m3Values[code]! + e4m3Values[code + 1]!) / 2
      expect(e4m3Of(middle)).toBe(code % 2 === 0 ? code : code + 1)
    }
    const random = seededRandom(1)
    for (let i = 0; i < 5000; i++) {
      const value = Math.fround((random.next() - 0.5) * 2 ** (random.below(24) - 12))
      expect(e4m3Of(value), String(value)).toBe(nearestE4m3(value))
    }
  })

  it('saturates, keeps NaN and the sign of zero', () => {
    expect(e4m3Of(449)).toBe(0x7e)
    expect(e4m3Of(-Infinity)).toBe(0xfe)
    expect(e4m3Of(NaN) & 0x7f).toBe(0x7f)
    expect(e4m3Of(-0)).toBe(0x80)
  })
})

describe('bf16', () => {
  it('rounds to the nearest, ties to even', () => {
    expect(bfloat16Of(1)).toBe(0x3f80)
    expect(bfloat16Of(1 + 2 ** -8)).toBe(0x3f80)
    expect(bfloat16Of(1 + 3 * 2 ** -8)).toBe(0x3f82)
    expect(bfloat16Of(1 + 2 ** -8 + 2 ** -20)).toBe(0x3f81)
  })

  it('keeps infinities and NaN', () => {
    expect(bfloat16Of(Infinity)).toBe(0x7f80)
    expect(bfloat16Of(NaN) & 0x7fff).toBeGreaterThan(0x7f80)
    expect(bfloat16Of(3.4028234663852886e38)).toBe(0x7f80)
  })
})
