import { expect, test } from 'vitest'
import { LruList } from '../src/lru-list.js'

test('takes the oldest first and removes from the middle', () => {
  const list = new LruList(5)
  for (const blockId of [3, 1, 4, 0]) list.add(blockId)
  list.remove(1)
  expect(list.has(1)).toBe(false)
  list.add(1)
  expect([list.takeOldest(), list.takeOldest(), list.takeOldest(), list.takeOldest()]).toEqual([3, 4, 0, 1])
  expect(list.size).toBe(0)
})

test('refuses double adds, absent removes and taking from nothing', () => {
  const list = new LruList(2)
  list.add(0)
  expect(() => { list.add(0) }).toThrow('already in the list')
  expect(() => { list.remove(1) }).toThrow('not in the list')
  list.takeOldest()
  expect(() => list.takeOldest()).toThrow('empty')
})
