import { expect, it } from 'vitest'
import { newWorkerId, workerNumberOf } from '../src/worker-id.js'

it('makes ids that differ and say what they are', () => {
  const ids = new Set(Array.from({ length: 20 }, () => newWorkerId('ffn')))
  expect(ids.size).toBe(20)
  expect([...ids][0]).toMatch(/^ffn-.+-[0-9a-f]{6}$/)
})

it('derives the same 32-bit number from the same id', () => {
  expect(workerNumberOf('a')).toBe(workerNumberOf('a'))
  expect(workerNumberOf('a')).not.toBe(workerNumberOf('b'))
  expect(workerNumberOf('a')).toBeLessThan(2 ** 32)
})
