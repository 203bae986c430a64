import { expect, it } from 'vitest'
import { CandidateHeap } from '../../src/sampler/candidates.js'
import { uniformAt } from '../../src/sampler/philox.js'

it('pops larger values first and lower ids first among equals', () => {
  const values = Float64Array.from({ length: 257 }, (_, i) => Math.floor(uniformAt(1, i) * 40))
  values[5] = values[9] = -Infinity
  const ids = Int32Array.from(values.keys())
  const heap = new CandidateHeap(ids, ids.length, values)
  const expected = [...values.keys()].sort((a, b) => (values[a] === values[b] ? a - b : values[b]! - values[a]!))
  expect(Array.from({ length: 257 }, () => heap.pop())).toEqual(expected)
  expect(heap.size).toBe(0)
})

it('leaves ids beyond its size alone', () => {
  const heap = new CandidateHeap(Int32Array.of(2, 0, 1), 2, Float64Array.of(1, 9, 5))
  expect([heap.pop(), heap.pop()]).toEqual([2, 0])
})
