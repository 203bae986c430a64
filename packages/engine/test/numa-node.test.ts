import { expect, test } from 'vitest'
import { numaNodeChoiceOf } from '../src/numa-node.js'

test('reads what the option may say', () => {
  expect(numaNodeChoiceOf('auto')).toBe('auto')
  expect(numaNodeChoiceOf('off')).toBe('off')
  expect(numaNodeChoiceOf('0')).toEqual([0])
  expect(numaNodeChoiceOf('3,1,3')).toEqual([1, 3])
})

test('breaks on what no option lets through', () => {
  for (const text of ['both', '-1', '1.5']) expect(() => numaNodeChoiceOf(text)).toThrow('no choice of NUMA nodes')
})
