import { expect, test } from 'vitest'
import { residentBytesMax, verdict } from '../../src/idle/bounds.js'

test('a worker may hold a little more than its weights and KV pool', () => {
  expect(residentBytesMax(0, 0)).toBe(100e6)
  expect(residentBytesMax(100e6, 100e6)).toBeCloseTo(330e6)
  expect(verdict(1, 1)).toBe('within')
  expect(verdict(1.01, 1)).toBe('OVER')
})
