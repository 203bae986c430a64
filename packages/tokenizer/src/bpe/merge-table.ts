// Owns the lookup from a pair of token ids to its merge: open addressing over one Int32Array, because a Map
// with pairs as keys would allocate one for every lookup.
import type { ModelJson } from '../tokenizer-json.js'

/** Slot layout: left id, right id, rank, merged id. */
const SLOT = 4
const EMPTY = -1

export interface MergeTable {
  /** Offset of the pair's slot for `rankAt` and `mergedAt`; -1 when the pair does not merge. */
  find (left: number, right: number): number
  /** Lower ranks merge first. */
  rankAt (slot: number): number
  mergedAt (slot: number): number
}

export type MergeProblem = (reason: string) => never

export function createMergeTable (vocab: ReadonlyMap<string, number>, merges: ModelJson['merges'], refuse: MergeProblem): MergeTable {
  // At most half full: probes stay short.
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(2, merges.length * 2)))
  const mask = capacity - 1
  const slots = new Int32Array(capacity * SLOT).fill(EMPTY)
  const idOf = (token: string): number => vocab.get(token) ?? refuse(`merge of ${JSON.stringify(token)}, which is not in the vocabulary`)
  const hash = (left: number, right: number): number => Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b) >>> 7

  const find = (left: number, right: number): number => {
    for (let probe = hash(left, right) & mask; ; probe = (probe + 1) & mask) {
      const slot = probe * SLOT
      if (slots[slot] === EMPTY) return -1
      if (slots[slot] === left && slots[slot + 1] === right) return slot
    }
  }

  merges.forEach((merge, rank) => {
    const parts = typeof merge === 'string' ? merge.split(' ') : merge
    if (parts.length !== 2) refuse(`merge ${JSON.stringify(merge)} is not a pair`)
    const [left, right] = parts as [string, string]
    const entry = [idOf(left), idOf(right), rank, idOf(left + right)] as const
    // The later rank of a repeated pair wins, as in a map.
    let probe = hash(entry[0], entry[1]) & mask
    while (slots[probe * SLOT] !== EMPTY && !(slots[probe * SLOT] === entry[0] && slots[probe * SLOT + 1] === entry[1])) probe = (probe + 1) & mask
    slots.set(entry, probe * SLOT)
  })

  return { find, rankAt: slot => slots[slot + 2]!, mergedAt: slot => slots[slot + 3]! }
}
