// Owns the order of sequences that no worker runs: by arrival, so a preempted or re-admitted one comes
// before everything that arrived after it.
import { assert } from '@tandem/core'
import type { Sequence } from './sequence.js'

export class WaitingQueue implements Iterable<Sequence> {
  readonly #sequences: Sequence[] = []

  get size (): number { return this.#sequences.length }

  add (sequence: Sequence): void {
    assert(sequence.status === 'waiting', `request ${sequence.requestId} waits while ${sequence.status}`)
    let index = this.#sequences.length
    while (index > 0 && this.#sequences[index - 1]!.arrival > sequence.arrival) index--
    this.#sequences.splice(index, 0, sequence)
  }

  at (index: number): Sequence | undefined { return this.#sequences[index] }

  removeAt (index: number): void { this.#sequences.splice(index, 1) }

  remove (sequence: Sequence): void {
    const index = this.#sequences.indexOf(sequence)
    assert(index >= 0, `request ${sequence.requestId} is not in the waiting queue`)
    this.#sequences.splice(index, 1)
  }

  [Symbol.iterator] (): Iterator<Sequence> { return this.#sequences[Symbol.iterator]() }
}
