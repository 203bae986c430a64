// Owns merging the characters of one pre-token into tokens: the lowest rank first, the leftmost of equals.
// O(n log n) for any input; the library's own merging allocates per pair and took 7 s for a million equal letters.
import type { ModelJson } from '../tokenizer-json.js'
import { createMergeTable } from './merge-table.js'
import type { MergeProblem, MergeTable } from './merge-table.js'
import { MinHeap } from './min-heap.js'

const MAX_CACHED_WORDS = 16_384
/** UTF-16 units; longer words hardly repeat. */
const MAX_CACHED_LENGTH = 64
/** A heap entry is rank * MAX_POSITIONS + position, exact below 2^53 for ranks below 2^26. */
const MAX_POSITIONS = 2 ** 27

export class BytePairEncoder {
  private readonly ids: ReadonlyMap<string, number>
  private readonly tokens: string[] = []
  private readonly merges: MergeTable
  private readonly byteIds: readonly number[] | undefined
  private readonly unkId: number | undefined
  private readonly fuseUnk: boolean
  private readonly ignoreMerges: boolean
  private readonly cache = new Map<string, readonly string[]>()

  constructor (model: ModelJson, refuse: MergeProblem) {
    this.ids = new Map(Object.entries(model.vocab))
    for (const [token, id] of this.ids) this.tokens[id] = token
    for (const key of ['continuing_subword_prefix', 'end_of_word_suffix']) {
      if (typeof model[key] === 'string' && model[key] !== '') refuse(`model.${key} is not supported`)
    }
    this.merges = createMergeTable(this.ids, model.merges, refuse)
    this.byteIds = model.byte_fallback === true ? byteTokenIds(this.ids) : undefined
    this.unkId = typeof model.unk_token === 'string' ? this.ids.get(model.unk_token) : undefined
    this.fuseUnk = model.fuse_unk === true
    this.ignoreMerges = model.ignore_merges === true
  }

  /** Tokens of one pre-token, as the vocabulary spells them. */
  encode (word: string): readonly string[] {
    const known = this.cache.get(word)
    if (known !== undefined) return known
    const tokens = this.ignoreMerges && this.ids.has(word) ? [word] : this.merge(this.symbolsOf(word)).map(id => this.tokens[id]!)
    if (word.length <= MAX_CACHED_LENGTH) {
      // Starting over is cheaper than keeping an order, and natural text refills what it needs.
      if (this.cache.size >= MAX_CACHED_WORDS) this.cache.clear()
      this.cache.set(word, tokens)
    }
    return tokens
  }

  /** One id per character; a character outside of the vocabulary becomes its bytes, the unknown token, or nothing. */
  private symbolsOf (word: string): number[] {
    const symbols: number[] = []
    let afterUnk = false
    for (const char of word) {
      const id = this.ids.get(char)
      const isUnk = id === undefined && this.byteIds === undefined
      if (id !== undefined) symbols.push(id)
      else if (this.byteIds !== undefined) for (const byte of Buffer.from(char, 'utf8')) symbols.push(this.byteIds[byte]!)
      else if (this.unkId !== undefined && !(afterUnk && this.fuseUnk)) symbols.push(this.unkId)
      afterUnk = isUnk
    }
    return symbols
  }

  private merge (symbols: number[]): number[] {
    const count = symbols.length
    // A doubly linked list over positions; a merged symbol stays at its left position, the right one becomes -1.
    const next = Int32Array.from({ length: count }, (_, i) => i + 1)
    const previous = Int32Array.from({ length: count }, (_, i) => i - 1)
    const heap = new MinHeap()
    const offer = (left: number): void => {
      const right = next[left]!
      if (right >= count) return
      const slot = this.merges.find(symbols[left]!, symbols[right]!)
      if (slot >= 0) heap.push(this.merges.rankAt(slot) * MAX_POSITIONS + left)
    }
    for (let i = 0; i + 1 < count; i++) offer(i)
    while (heap.size > 0) {
      const entry = heap.pop()
      const left = entry % MAX_POSITIONS
      const right = next[left]!
      if (symbols[left] === -1 || right >= count) continue
      const slot = this.merges.find(symbols[left]!, symbols[right]!)
      // An entry is stale when its pair has changed since; the new pair has an entry of its own.
      if (slot < 0 || this.merges.rankAt(slot) !== (entry - left) / MAX_POSITIONS) continue
      symbols[left] = this.merges.mergedAt(slot)
      symbols[right] = -1
      const after = next[right]!
      next[left] = after
      if (after < count) previous[after] = left
      if (previous[left]! >= 0) offer(previous[left]!)
      offer(left)
    }
    return symbols.filter(id => id !== -1)
  }
}

/** [256] ids of <0x00> to <0xFF>; undefined when one is missing, then bytes cannot stand in. */
function byteTokenIds (ids: ReadonlyMap<string, number>): number[] | undefined {
  const found: number[] = []
  for (let byte = 0; byte < 256; byte++) {
    const id = ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
    if (id === undefined) return undefined
    found.push(id)
  }
  return found
}
