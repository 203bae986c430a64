import { describe, expect, it } from 'vitest'
import { philox4x32, uniformAt } from '../../src/sampler/philox.js'

const hex = (words: readonly number[]): string => words.map(word => word.toString(16).padStart(8, '0')).join(' ')

describe('philox4x32', () => {
  // Known-answer vectors of the Random123 distribution (kat_vectors, philox4x32 with 10 rounds).
  it.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1']
  ])('counter %s key %s', (counter, key, expected) => {
    const words = (text: string): number[] => text.split(' ').map(word => Number.parseInt(word, 16))
    const [c0, c1, c2, c3] = words(counter) as [number, number, number, number]
    const [k0, k1] = words(key) as [number, number]
    expect(hex(philox4x32([c0, c1, c2, c3], [k0, k1]))).toBe(expected)
  })
})

describe('uniformAt', () => {
  it('takes the top 27 and 26 bits of the first two words', () => {
    const expected = (BigInt(0x6627e8d5) >> 5n) * (1n << 26n) + (BigInt(0xe169c58d) >> 6n)
    expect(uniformAt(0, 0)).toBe(Number(expected) / 2 ** 53)
  })

  it('keys with all 64 bits of the seed, and tells negative seeds apart', () => {
    const draws = [1, -1, 2 ** 32, 2 ** 32 + 1, -(2 ** 32)].map(seed => uniformAt(seed, 7))
    expect(new Set(draws).size).toBe(draws.length)
  })

  it('is uniform over positions', () => {
    const buckets = new Array<number>(10).fill(0)
    for (let position = 0; position < 10_000; position++) buckets[Math.floor(uniformAt(42, position) * 10)]!++
    const chiSquare = buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
    expect(chiSquare).toBeLessThan(27.9) // 0.1 % quantile of 9 degrees of freedom; the draw is fixed
  })
})
