import { NUM_VIRTUAL_SHARDS } from '@tandem/core'
import { describe, expect, test } from 'vitest'
import { instanceSizes, partition } from '../../src/core/ffn-partition.js'

describe('instanceSizes', () => {
  test.each([
    [0, 0, []], [1, 0, [1]], [3, 0, [3]], [8, 0, [8]], [9, 0, [4, 5]], [17, 0, [5, 6, 6]],
    [1, 2, [1]], [2, 2, [2]], [3, 2, [2]], [5, 2, [2, 2]], [8, 1, [1, 1, 1, 1, 1, 1, 1, 1]]
  ])('%i workers, instance size %i', (numWorkers, instanceSize, sizes) => {
    expect(instanceSizes(numWorkers, instanceSize)).toEqual(sizes)
  })
})

test('every instance covers every shard once, whatever the numbers', () => {
  for (let numWorkers = 1; numWorkers <= 20; numWorkers++) {
    for (let instanceSize = 0; instanceSize <= 8; instanceSize++) {
      const places = partition(Array.from({ length: numWorkers }, (_, index) => `f${index}`), 7, 'tp', instanceSize)
      expect(new Set(places.map(({ workerId }) => workerId)).size).toBe(places.length)
      const shards = new Map<number, number[]>()
      for (const { assignment } of places) {
        const held = shards.get(assignment.instanceIdx) ?? []
        shards.set(assignment.instanceIdx, held)
        for (let shard = assignment.shards.start; shard < assignment.shards.end; shard++) held.push(shard)
        expect(assignment).toMatchObject({ epoch: 7, split: 'tp' })
      }
      for (const held of shards.values()) expect(held).toEqual(Array.from({ length: NUM_VIRTUAL_SHARDS }, (_, shard) => shard))
    }
  }
})
