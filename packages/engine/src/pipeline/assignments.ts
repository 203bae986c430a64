// Owns which epochs an FFN engine serves, and what it must hold for them.
import type { FfnAssignment, FfnSplit, ShardRange } from '@tandem/core'

export class Assignments {
  /** By epoch, oldest assignment first. A restarted scheduler may count epochs from the beginning. */
  readonly #byEpoch = new Map<number, FfnAssignment>()

  add (assignment: FfnAssignment): void {
    this.#byEpoch.delete(assignment.epoch)
    this.#byEpoch.set(assignment.epoch, assignment)
  }

  get (epoch: number): FfnAssignment | undefined { return this.#byEpoch.get(epoch) }

  get epochs (): number[] { return [...this.#byEpoch.keys()] }

  /** Forgets epochs below `epoch` and whatever was assigned before it. */
  retire (epoch: number): void {
    const order = this.epochs
    const position = order.indexOf(epoch)
    order.forEach((other, i) => { if (other < epoch || i < position) this.#byEpoch.delete(other) })
  }

  /**
   * The leaves that are needed: the smallest range over all assignments. null while they disagree on the split, when nothing can be
   * dropped yet.
   */
  needed (): { readonly shards: ShardRange, readonly split: FfnSplit } | null {
    const all = [...this.#byEpoch.values()]
    const split = all[0]?.split ?? 'ep'
    if (all.some(assignment => assignment.split !== split)) return null
    if (all.length === 0) return { shards: { start: 0, end: 0 }, split }
    return {
      split,
      shards: {
        start: Math.min(...all.map(assignment => assignment.shards.start)),
        end: Math.max(...all.map(assignment => assignment.shards.end))
      }
    }
  }
}
