// Owns which KV blocks of one attention worker belong to which sequence, and which free ones still hold
// a known prefix. Pure bookkeeping: the blocks themselves live on the worker, and nothing is ever copied.
// A block is in exactly one place: referenced by tables (count > 0), free and cached (in the LRU list,
// found by hash), or free and blank. Only full blocks whose contents a step result confirmed are cached.
import { assert } from '@tandem/core'
import type { BlockHash } from './block-hash.js'
import { LruList } from './lru-list.js'

export interface BlockManagerOptions {
  readonly numBlocks: number
  /** Tokens per block. */
  readonly blockSize: number
}

/** What changed in the set of cached hashes since the last `takeChanges`; one hash is in at most one list. */
export interface CacheChanges {
  readonly stored: readonly BlockHash[]
  readonly evicted: readonly BlockHash[]
}

export interface Allocation {
  /** Shared blocks of the prefix first, then blank ones; covers `numTokens`. */
  readonly blockTable: number[]
  readonly numCachedBlocks: number
}

export class BlockManager {
  readonly numBlocks: number
  readonly blockSize: number
  readonly #refCount: Int32Array
  readonly #hashOfBlock: Array<BlockHash | undefined>
  readonly #blockOfHash = new Map<BlockHash, number>()
  readonly #blank: number[]
  readonly #cachedFree: LruList
  readonly #changes = new Map<BlockHash, 'stored' | 'evicted'>()

  constructor ({ numBlocks, blockSize }: BlockManagerOptions) {
    assert(Number.isInteger(numBlocks) && numBlocks >= 1, `numBlocks ${numBlocks} is not a positive integer`)
    assert(Number.isInteger(blockSize) && blockSize >= 1, `blockSize ${blockSize} is not a positive integer`)
    this.numBlocks = numBlocks
    this.blockSize = blockSize
    this.#refCount = new Int32Array(numBlocks)
    this.#hashOfBlock = new Array<BlockHash | undefined>(numBlocks).fill(undefined)
    this.#cachedFree = new LruList(numBlocks)
    this.#blank = Array.from({ length: numBlocks }, (_, index) => numBlocks - 1 - index)
  }

  /** Blocks that can be handed out now, cached ones included. */
  get numFreeBlocks (): number { return this.#blank.length + this.#cachedFree.size }
  get numUsedBlocks (): number { return this.numBlocks - this.numFreeBlocks }
  /** Share of the pool that sequences reference, 0..1. */
  get usage (): number { return this.numUsedBlocks / this.numBlocks }

  blocksFor (numTokens: number): number { return Math.ceil(numTokens / this.blockSize) }

  /** Length of the longest prefix of `hashes` held here, in blocks, at most `maxBlocks`. */
  countCachedBlocks (hashes: readonly BlockHash[], maxBlocks = hashes.length): number {
    const limit = Math.min(hashes.length, maxBlocks)
    let count = 0
    while (count < limit && this.#blockOfHash.has(hashes[count]!)) count++
    return count
  }

  /** Blank or evictable blocks that `allocate` would take; a free cached hit is taken out of the pool too. */
  countBlocksNeeded (numTokens: number, hashes: readonly BlockHash[], numCachedBlocks: number): number {
    let needed = this.blocksFor(numTokens) - numCachedBlocks
    for (let index = 0; index < numCachedBlocks; index++) {
      if (this.#refCount[this.#blockOfHash.get(hashes[index]!)!] === 0) needed++
    }
    return needed
  }

  /** Blocks for `numTokens` tokens, sharing at most `maxCachedBlocks` of the prefix; undefined when the pool is short. */
  allocate (numTokens: number, hashes: readonly BlockHash[] = [], maxCachedBlocks = hashes.length): Allocation | undefined {
    assert(numTokens >= 1, 'an allocation holds at least one token')
    const numCachedBlocks = this.countCachedBlocks(hashes, Math.min(maxCachedBlocks, this.blocksFor(numTokens)))
    if (this.countBlocksNeeded(numTokens, hashes, numCachedBlocks) > this.numFreeBlocks) return undefined
    const blockTable: number[] = []
    for (let index = 0; index < numCachedBlocks; index++) {
      const blockId = this.#blockOfHash.get(hashes[index]!)!
      if (this.#refCount[blockId] === 0) this.#cachedFree.remove(blockId)
      this.#refCount[blockId]!++
      blockTable.push(blockId)
    }
    this.#grow(blockTable, this.blocksFor(numTokens))
    return { blockTable, numCachedBlocks }
  }

  /** Grows `blockTable` in place until it holds `numTokens` tokens; false, and unchanged, when the pool is short. */
  append (blockTable: number[], numTokens: number): boolean {
    const target = this.blocksFor(numTokens)
    if (target - blockTable.length > this.numFreeBlocks) return false
    this.#grow(blockTable, target)
    return true
  }

  /** Makes a full, computed block findable by its hash; a second block with the same contents stays unnamed. */
  publish (blockId: number, hash: BlockHash): void {
    assert(this.#refCount[blockId]! > 0, `block ${blockId} is published but belongs to nobody`)
    if (this.#blockOfHash.has(hash) || this.#hashOfBlock[blockId] !== undefined) return
    this.#hashOfBlock[blockId] = hash
    this.#blockOfHash.set(hash, blockId)
    this.#record(hash, 'stored')
  }

  /** Gives the blocks of a table back and empties it; tail blocks are evicted before those of the shared prefix. */
  free (blockTable: number[]): void {
    for (let index = blockTable.length - 1; index >= 0; index--) {
      const blockId = blockTable[index]!
      const count = this.#refCount[blockId]! - 1
      assert(count >= 0, `block ${blockId} is freed twice`)
      this.#refCount[blockId] = count
      if (count > 0) continue
      if (this.#hashOfBlock[blockId] === undefined) this.#blank.push(blockId)
      else this.#cachedFree.add(blockId)
    }
    blockTable.length = 0
  }

  takeChanges (): CacheChanges {
    const stored: BlockHash[] = []
    const evicted: BlockHash[] = []
    for (const [hash, change] of this.#changes) (change === 'stored' ? stored : evicted).push(hash)
    this.#changes.clear()
    return { stored, evicted }
  }

  cachedHashes (): BlockHash[] { return [...this.#blockOfHash.keys()] }

  /** Compares the books with the tables of every live sequence; for tests, and cheap enough for a debug endpoint. */
  assertInvariants (blockTables: Iterable<readonly number[]>): void {
    const expected = new Int32Array(this.numBlocks)
    for (const table of blockTables) for (const blockId of table) expected[blockId]!++
    const blank = new Set(this.#blank)
    assert(blank.size === this.#blank.length, 'a blank block is listed twice')
    for (let blockId = 0; blockId < this.numBlocks; blockId++) {
      assert(expected[blockId] === this.#refCount[blockId],
        `block ${blockId} has count ${this.#refCount[blockId]} but ${expected[blockId]} owners`)
      const hash = this.#hashOfBlock[blockId]
      const places = Number(this.#refCount[blockId]! > 0) + Number(blank.has(blockId)) + Number(this.#cachedFree.has(blockId))
      assert(places === 1, `block ${blockId} is in ${places} places`)
      assert(hash === undefined || this.#blockOfHash.get(hash) === blockId, `block ${blockId} is not found by its hash`)
      assert(!blank.has(blockId) || hash === undefined, `blank block ${blockId} has a hash`)
    }
  }

  #grow (blockTable: number[], target: number): void {
    while (blockTable.length < target) {
      const blockId = this.#blank.pop() ?? this.#evict()
      assert(this.#refCount[blockId] === 0, `block ${blockId} is handed out twice`)
      this.#refCount[blockId] = 1
      blockTable.push(blockId)
    }
  }

  #evict (): number {
    const blockId = this.#cachedFree.takeOldest()
    const hash = this.#hashOfBlock[blockId]!
    this.#hashOfBlock[blockId] = undefined
    this.#blockOfHash.delete(hash)
    this.#record(hash, 'evicted')
    return blockId
  }

  /** Stored then evicted (or the reverse) between two reports is no change at all. */
  #record (hash: BlockHash, change: 'stored' | 'evicted'): void {
    const before = this.#changes.get(hash)
    if (before !== undefined && before !== change) this.#changes.delete(hash)
    else this.#changes.set(hash, change)
  }
}
