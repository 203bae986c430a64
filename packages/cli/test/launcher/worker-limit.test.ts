import { expect, test } from 'vitest'
import { maxWorkersPerRole } from '../../src/launcher/worker-limit.js'

test('grows with the cores and covers what was started', () => {
  expect(maxWorkersPerRole(2, { attention: 1, ffn: 1 })).toBe(8)
  expect(maxWorkersPerRole(2, { attention: 1, ffn: 20 })).toBe(20)
  expect(maxWorkersPerRole(2, { attention: 9, ffn: 1 })).toBe(9)
})
