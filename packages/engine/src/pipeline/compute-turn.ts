// Owns whose turn it is on the one thread that computes. Between two turns the event loop reads and writes
// sockets, so that frames leave, and answers arrive, while the next ubatch computes.
import type { Clock } from '@tandem/core'

export class ComputeTurn {
  readonly #waiting: Array<() => void> = []
  #isTaken = false
  #busyMs = 0

  constructor (private readonly clock: Clock) {}

  /** Time spent in `work` so far. */
  get busyMs (): number { return this.#busyMs }

  /** Runs `work` when nobody else does. */
  async run<T> (work: () => T): Promise<T> {
    if (this.#isTaken) await new Promise<void>(resolve => { this.#waiting.push(resolve) })
    this.#isTaken = true
    const startMs = this.clock.nowMs()
    try {
      return work()
    } finally {
      this.#busyMs += this.clock.nowMs() - startMs
      setImmediate(() => { this.#pass() })
    }
  }

  #pass (): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#isTaken = false
    else next()
  }
}
