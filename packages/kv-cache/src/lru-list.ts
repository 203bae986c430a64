// Owns the order in which free cached blocks are given up: a doubly linked list over block ids in two
// typed arrays, every operation O(1). Knows nothing of hashes.
import { assert } from '@tandem/core'

const NONE = -1

export class LruList {
  readonly #previous: Int32Array
  readonly #next: Int32Array
  readonly #member: Uint8Array
  #oldest = NONE
  #newest = NONE
  #size = 0

  constructor (numBlocks: number) {
    this.#previous = new Int32Array(numBlocks).fill(NONE)
    this.#next = new Int32Array(numBlocks).fill(NONE)
    this.#member = new Uint8Array(numBlocks)
  }

  get size (): number { return this.#size }

  has (blockId: number): boolean { return this.#member[blockId] === 1 }

  /** Adds a block as the most recently used one. */
  add (blockId: number): void {
    assert(this.#member[blockId] === 0, `block ${blockId} is already in the list`)
    this.#member[blockId] = 1
    this.#previous[blockId] = this.#newest
    this.#next[blockId] = NONE
    if (this.#newest === NONE) this.#oldest = blockId
    else this.#next[this.#newest] = blockId
    this.#newest = blockId
    this.#size++
  }

  remove (blockId: number): void {
    assert(this.#member[blockId] === 1, `block ${blockId} is not in the list`)
    const previous = this.#previous[blockId]!
    const next = this.#next[blockId]!
    if (previous === NONE) this.#oldest = next
    else this.#next[previous] = next
    if (next === NONE) this.#newest = previous
    else this.#previous[next] = previous
    this.#member[blockId] = 0
    this.#size--
  }

  /** Removes and returns the least recently used block. */
  takeOldest (): number {
    const blockId = this.#oldest
    assert(blockId !== NONE, 'the list is empty')
    this.remove(blockId)
    return blockId
  }
}
