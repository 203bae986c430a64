import { describe, expect, test } from 'vitest'
import { BlockManager, extendBlockHashes, rootHash } from '../src/index.js'
import { seeded } from './seeded.js'

const root = rootHash('test')
function hashesOf (tokenIds: readonly number[], blockSize: number): string[] {
  const hashes: string[] = []
  extendBlockHashes(hashes, root, tokenIds, blockSize)
  return hashes
}
const range = (length: number, from = 0): number[] => Array.from({ length }, (_, index) => from + index)

/** Allocates and publishes every full block, as a finished prefill does. */
function fill (manager: BlockManager, tokenIds: readonly number[]): number[] {
  const hashes = hashesOf(tokenIds, manager.blockSize)
  const table = manager.allocate(tokenIds.length, hashes)!.blockTable
  hashes.forEach((hash, index) => { manager.publish(table[index]!, hash) })
  return table
}

describe('BlockManager', () => {
  test('shares full blocks of a known prefix and counts them once', () => {
    const manager = new BlockManager({ numBlocks: 8, blockSize: 4 })
    const first = fill(manager, range(10))
    const second = manager.allocate(10, hashesOf(range(10), 4))!
    expect(second.numCachedBlocks).toBe(2)
    expect(second.blockTable.slice(0, 2)).toEqual(first.slice(0, 2))
    expect(second.blockTable[2]).not.toBe(first[2])
    expect(manager.numUsedBlocks).toBe(4)
    manager.assertInvariants([first, second.blockTable])
  })

  test('keeps the prefix of a freed sequence until the pool needs the blocks, oldest tail first', () => {
    const manager = new BlockManager({ numBlocks: 4, blockSize: 2 })
    const table = fill(manager, range(6))
    manager.free(table)
    expect(manager.numFreeBlocks).toBe(4)
    expect(manager.countCachedBlocks(hashesOf(range(6), 2))).toBe(3)
    const other = manager.allocate(4)!.blockTable
    expect(manager.countCachedBlocks(hashesOf(range(6), 2))).toBe(2)
    manager.free(other)
    manager.assertInvariants([])
  })

  test('maxCachedBlocks caps sharing so that at least one token is computed', () => {
    const manager = new BlockManager({ numBlocks: 8, blockSize: 4 })
    const first = fill(manager, range(8))
    expect(manager.allocate(8, hashesOf(range(8), 4), 1)!.numCachedBlocks).toBe(1)
    expect(first).toHaveLength(2)
  })

  test('refuses what does not fit and changes nothing then', () => {
    const manager = new BlockManager({ numBlocks: 3, blockSize: 4 })
    const table = manager.allocate(8)!.blockTable
    expect(manager.allocate(5)).toBeUndefined()
    expect(manager.append(table, 12)).toBe(true)
    expect(manager.append(table, 13)).toBe(false)
    expect(table).toHaveLength(3)
    manager.assertInvariants([table])
  })

  test('a free cached hit is not counted as room for the rest of the same sequence', () => {
    const manager = new BlockManager({ numBlocks: 2, blockSize: 2 })
    manager.free(fill(manager, range(4)))
    expect(manager.allocate(6, hashesOf(range(6), 2))).toBeUndefined()
    manager.assertInvariants([])
    expect(manager.allocate(4, hashesOf(range(4), 2))!.numCachedBlocks).toBe(2)
  })

  test('reports each change of the cached set once, and none for what came and went', () => {
    const manager = new BlockManager({ numBlocks: 2, blockSize: 2 })
    const [hash] = hashesOf(range(2), 2)
    const table = fill(manager, range(2))
    expect(manager.takeChanges()).toEqual({ stored: [hash], evicted: [] })
    manager.free(table)
    const other = manager.allocate(4)!.blockTable
    expect(manager.takeChanges()).toEqual({ stored: [], evicted: [hash] })
    manager.free(other)
    manager.free(fill(manager, range(2)))
    manager.allocate(4)
    expect(manager.takeChanges()).toEqual({ stored: [], evicted: [] })
  })

  test('asserts on double frees and on publishing a block nobody owns', () => {
    const manager = new BlockManager({ numBlocks: 2, blockSize: 2 })
    const table = manager.allocate(2)!.blockTable
    const copy = [...table]
    manager.free(table)
    expect(() => { manager.free(copy) }).toThrow('freed twice')
    expect(() => { manager.publish(0, 'hash') }).toThrow('belongs to nobody')
  })
})

describe('random allocate, append, publish and free', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i keeps every block in one place', seed => {
    const random = seeded(seed)
    const blockSize = 1 + random.below(5)
    const manager = new BlockManager({ numBlocks: 1 + random.below(40), blockSize })
    const live: Array<{ tokenIds: number[], table: number[] }> = []
    const cached = new Set<string>()
    for (let turn = 0; turn < 600; turn++) {
      const action = random.below(4)
      const entry = live[random.below(Math.max(live.length, 1))]
      if (action === 0 || entry === undefined) {
        const tokenIds = range(1 + random.below(30)).map(() => random.below(2))
        const allocation = manager.allocate(tokenIds.length, hashesOf(tokenIds, blockSize))
        if (allocation) live.push({ tokenIds, table: allocation.blockTable })
      } else if (action === 1) {
        if (manager.append(entry.table, entry.tokenIds.length + 1)) entry.tokenIds.push(random.below(2))
      } else if (action === 2) {
        hashesOf(entry.tokenIds, blockSize).forEach((hash, index) => { manager.publish(entry.table[index]!, hash) })
      } else {
        live.splice(live.indexOf(entry), 1)
        manager.free(entry.table)
      }
      const changes = manager.takeChanges()
      for (const hash of changes.stored) { expect(cached.has(hash)).toBe(false); cached.add(hash) }
      for (const hash of changes.evicted) expect(cached.delete(hash)).toBe(true)
      manager.assertInvariants(live.map(({ table }) => table))
    }
    expect([...cached].sort()).toEqual(manager.cachedHashes().sort())
    for (const { table } of live) manager.free(table)
    expect(manager.numFreeBlocks).toBe(manager.numBlocks)
  })
})
