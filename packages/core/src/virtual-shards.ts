// Owns the fixed cut of a layer's FFN into virtual shards and the binary tree that adds their partial
// sums. Pure arithmetic. Every backend follows it, so that any topology yields the same bits:
//   - an FFN layer is NUM_VIRTUAL_SHARDS leaves; leaf v yields one float32 partial [numTokens, hiddenSize];
//   - leaves are added pairwise along a complete binary tree (heap numbering: root 1, children of n are
//     2n and 2n+1, leaf v is node NUM_VIRTUAL_SHARDS + v), always left + right;
//   - a worker that holds leaves [start, end) sends the sums at the roots of the maximal complete
//     subtrees inside that range; the attention worker finishes the tree.
// A leaf without work (more leaves than units) is a zero vector and is still added.
import { assert } from './errors.js'

export const NUM_VIRTUAL_SHARDS = 8

/**
 * What a leaf of a MoE layer is. `ep`: a contiguous group of experts; `tp`: a slice of every expert's
 * intermediate dimension. Dense layers and shared experts are always cut by intermediate slices.
 * The split belongs to the deployment, not to the number of workers: within one split all topologies
 * give identical bits.
 */
export type FfnSplit = 'ep' | 'tp'

export interface ShardRange {
  /** First leaf held. */
  readonly start: number
  /** One past the last leaf held. */
  readonly end: number
}

/** Leaves of rank `rank` of an instance of `size` workers, 1 <= size <= NUM_VIRTUAL_SHARDS. */
export function shardRangeOf (rank: number, size: number): ShardRange {
  assert(size >= 1 && size <= NUM_VIRTUAL_SHARDS, `instance size ${size} is outside 1..${NUM_VIRTUAL_SHARDS}`)
  assert(rank >= 0 && rank < size, `rank ${rank} is outside 0..${size - 1}`)
  return {
    start: Math.floor((rank * NUM_VIRTUAL_SHARDS) / size),
    end: Math.floor(((rank + 1) * NUM_VIRTUAL_SHARDS) / size)
  }
}

/**
 * Units [start, end) of leaf `shard` when `numUnits` things (experts, or blocks of the intermediate
 * dimension) are dealt to the leaves in order. May be empty.
 */
export function unitsOfShard (numUnits: number, shard: number): ShardRange {
  return {
    start: Math.floor((shard * numUnits) / NUM_VIRTUAL_SHARDS),
    end: Math.floor(((shard + 1) * numUnits) / NUM_VIRTUAL_SHARDS)
  }
}

/**
 * Columns [start, end) of the intermediate dimension in leaf `shard`. `unitSize` is the number of elements
 * that cannot be cut: the block length of the down projection's dtype (32, 128 or 256), else 4.
 */
export function intermediateSlice (intermediateSize: number, unitSize: number, shard: number): ShardRange {
  const units = unitsOfShard(Math.ceil(intermediateSize / unitSize), shard)
  return {
    start: Math.min(units.start * unitSize, intermediateSize),
    end: Math.min(units.end * unitSize, intermediateSize)
  }
}

/** Heap ids of the maximal complete subtrees that cover [start, end), left to right. */
export function subtreeRoots (range: ShardRange): number[] {
  const roots: number[] = []
  const visit = (node: number, start: number, end: number): void => {
    if (range.start <= start && end <= range.end) { roots.push(node); return }
    if (end <= range.start || start >= range.end || end - start === 1) return
    const middle = (start + end) / 2
    visit(node * 2, start, middle)
    visit(node * 2 + 1, middle, end)
  }
  visit(1, 0, NUM_VIRTUAL_SHARDS)
  return roots
}

/** Leaves [start, end) under a heap node. */
export function leavesUnder (node: number): ShardRange {
  assert(node >= 1 && node < 2 * NUM_VIRTUAL_SHARDS, `node ${node} is not in the tree`)
  let first = node
  let last = node
  while (first < NUM_VIRTUAL_SHARDS) { first *= 2; last = last * 2 + 1 }
  return { start: first - NUM_VIRTUAL_SHARDS, end: last - NUM_VIRTUAL_SHARDS + 1 }
}
