import { leavesUnder, NUM_VIRTUAL_SHARDS, shardRangeOf, subtreeRoots } from '@tandem/core'
import { describe, expect, it } from 'vitest'
import { combinePartials, sumSubtree } from '../../src/reference/combine-partials.js'
import { randomFloats } from './float-matrix.js'

const leaves = Array.from({ length: NUM_VIRTUAL_SHARDS }, (_, shard) => randomFloats(33, shard))
const whole = sumSubtree(1, shard => leaves[shard]!)

describe('combinePartials', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('gives the same bits from %i workers', numWorkers => {
    const nodes = Array.from({ length: numWorkers }, (_, rank) => subtreeRoots(shardRangeOf(rank, numWorkers))).flat().reverse()
    expect(combinePartials(nodes, nodes.map(node => sumSubtree(node, shard => leaves[shard]!)))).toEqual(whole)
  })

  it('adds in float32 along the tree, not from left to right', () => {
    const values = [2 ** 24, 1, 1, 1, 0, 0, 0, 0].map(value => Float32Array.of(value))
    expect(combinePartials(values.map((_, shard) => NUM_VIRTUAL_SHARDS + shard), values)[0]).toBe(2 ** 24 + 2)
  })

  it('refuses a missing or doubled node', () => {
    const nodes = [2, 6]
    expect(() => combinePartials(nodes, nodes.map(() => whole))).toThrow('leaf 6 is missing')
    expect(() => combinePartials([1, 1], [whole, whole])).toThrow('one partial')
  })

  it('sums a subtree over its own leaves', () => {
    const seen: number[] = []
    sumSubtree(3, shard => { seen.push(shard); return leaves[shard]! })
    expect(seen).toEqual(Array.from({ length: 4 }, (_, i) => leavesUnder(3).start + i))
  })
})
