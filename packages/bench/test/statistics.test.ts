import { expect, test } from 'vitest'
import { median, ratio, spreadOf } from '../src/statistics.js'

test('the median is the middle, or between the two middle ones, in any order', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([4, 1, 2, 100])).toBe(3)
  expect(median([10, 9, 100])).toBe(10)
  expect(median([])).toBe(0)
})

test('a spread keeps the rounds in the order they ran', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, rounds: [3, 1, 2] })
  expect(spreadOf([])).toEqual({ median: 0, min: 0, max: 0, rounds: [] })
})

test('nothing is divided by a server that answered nothing', () => {
  expect(ratio(6, 4)).toBe(1.5)
  expect(ratio(6, 0)).toBeUndefined()
})
