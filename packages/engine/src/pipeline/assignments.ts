// Owns which epochs an FFN engine serves, and what it must hold for them.
import type { FfnAssignment } from '@tandem/core'
import type { FfnLeaves } from '../backend.js'

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

  /** What must be held for them. */
  needed (): FfnLeaves[] {
    return [...this.#byEpoch.values()].map(({ shards, split }) => ({ shards, split }))
  }
}
