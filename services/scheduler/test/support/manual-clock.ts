// Owns time in tests of timers: it stands still until the test moves it, and counts what was set and what went off.
import type { Clock } from '@tandem/core'

interface Timer {
  readonly atMs: number
  readonly callback: () => void
}

export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>()
  #nowMs = 0
  numTimersSet = 0
  numWakes = 0

  get numTimers (): number { return this.#timers.size }

  nowMs (): number { return this.#nowMs }

  after (ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, callback }
    this.#timers.add(timer)
    this.numTimersSet++
    return () => { this.#timers.delete(timer) }
  }

  /** Each timer on the way goes off at its own time. */
  advance (ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const next = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (!next) break
      this.#timers.delete(next)
      this.#nowMs = next.atMs
      this.numWakes++
      next.callback()
    }
    this.#nowMs = endMs
  }
}
