import { describe, expect, it } from 'vitest'
import {
  intermediateSlice, leavesUnder, NUM_VIRTUAL_SHARDS, shardRangeOf, subtreeRoots, unitsOfShard
} from '../src/virtual-shards.js'

const sizes = Array.from({ length: NUM_VIRTUAL_SHARDS }, (_, index) => index + 1)

describe('shardRangeOf', () => {
  it.each(sizes)('deals every leaf to exactly one of %i workers, in order', size => {
    const owned: number[] = []
    for (let rank = 0; rank < size; rank++) {
      const { start, end } = shardRangeOf(rank, size)
      expect(end).toBeGreaterThan(start)
      for (let leaf = start; leaf < end; leaf++) owned.push(leaf)
    }
    expect(owned).toEqual(Array.from({ length: NUM_VIRTUAL_SHARDS }, (_, leaf) => leaf))
  })

  it('refuses ranks and sizes outside the tree', () => {
    expect(() => shardRangeOf(0, 9)).toThrow(/size 9/)
    expect(() => shardRangeOf(2, 2)).toThrow(/rank 2/)
  })
})

describe('subtreeRoots', () => {
  it('is the root for all leaves and the leaf for one', () => {
    expect(subtreeRoots({ start: 0, end: 8 })).toEqual([1])
    expect(subtreeRoots({ start: 5, end: 6 })).toEqual([13])
  })

  it('covers an unaligned range with maximal subtrees, left to right', () => {
    expect(subtreeRoots({ start: 2, end: 5 })).toEqual([5, 12])
    expect(subtreeRoots({ start: 1, end: 8 })).toEqual([9, 5, 3])
  })

  it.each(sizes)('of all ranks of %i workers covers each leaf once', size => {
    const leaves = sizes.slice(0, size).flatMap((_, rank) => subtreeRoots(shardRangeOf(rank, size)))
      .flatMap(node => {
        const { start, end } = leavesUnder(node)
        return Array.from({ length: end - start }, (_, index) => start + index)
      })
    expect(leaves).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('holds no node together with its sibling: a maximal subtree would be their parent', () => {
    for (let start = 0; start < 8; start++) {
      for (let end = start + 1; end <= 8; end++) {
        const roots = new Set(subtreeRoots({ start, end }))
        for (const node of roots) expect(node > 1 && roots.has(node ^ 1)).toBe(false)
      }
    }
  })
})

describe('intermediateSlice', () => {
  it.each([[1536, 32], [18432, 128], [64, 4], [40, 32], [4, 4]])('cuts %i columns in units of %i without gap or overlap', (size, unit) => {
    let next = 0
    for (let shard = 0; shard < NUM_VIRTUAL_SHARDS; shard++) {
      const { start, end } = intermediateSlice(size, unit, shard)
      expect(start).toBe(next)
      if (end < size) expect(end % unit).toBe(0)
      next = end
    }
    expect(next).toBe(size)
  })

  it('leaves leaves empty when there are fewer units than leaves', () => {
    expect(unitsOfShard(2, 0)).toEqual({ start: 0, end: 0 })
    expect(intermediateSlice(64, 32, 7)).toEqual({ start: 32, end: 64 })
  })
})
