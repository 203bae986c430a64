// Owns how ffn workers are dealt to instances and shards. Pure arithmetic over worker ids.
import { assert, NUM_VIRTUAL_SHARDS, shardRangeOf } from '@tandem/core'
import type { FfnAssignment, FfnSplit } from '@tandem/core'

export interface FfnPlace {
  readonly workerId: string
  readonly assignment: FfnAssignment
}

/**
 * Sizes of the instances that `numWorkers` workers form. `instanceSize` 0: as few instances as possible, of about
 * equal size; else instances of exactly that size, and one smaller one rather than none. Workers left over are spare.
 */
export function instanceSizes (numWorkers: number, instanceSize: number): number[] {
  if (numWorkers === 0) return []
  assert(instanceSize >= 0 && instanceSize <= NUM_VIRTUAL_SHARDS, `instance size ${instanceSize} is out of range`)
  if (instanceSize > 0) {
    if (numWorkers < instanceSize) return [numWorkers]
    return new Array<number>(Math.floor(numWorkers / instanceSize)).fill(instanceSize)
  }
  const numInstances = Math.ceil(numWorkers / NUM_VIRTUAL_SHARDS)
  return Array.from({ length: numInstances }, (_, index) =>
    Math.floor(((index + 1) * numWorkers) / numInstances) - Math.floor((index * numWorkers) / numInstances))
}

/** Places workers in the given order; those beyond the last full instance get no place. */
export function partition (
  workerIds: readonly string[], epoch: number, split: FfnSplit, instanceSize: number
): FfnPlace[] {
  const places: FfnPlace[] = []
  instanceSizes(workerIds.length, instanceSize).forEach((size, instanceIdx) => {
    for (let rank = 0; rank < size; rank++) {
      places.push({
        workerId: workerIds[places.length]!,
        assignment: { epoch, instanceIdx, rank, size, split, shards: shardRangeOf(rank, size) }
      })
    }
  })
  return places
}
