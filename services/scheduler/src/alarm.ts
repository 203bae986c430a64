// Owns one timer for many deadlines: it wakes its owner no later than the earliest it was given. It may wake too early, when that
// deadline moved on in the meantime: the owner looks at what is due and names the next deadline. So a deadline that moves with every
// heartbeat or step costs a comparison, not a timer.
import type { Clock } from '@tandem/core'

/** What Node's timers take; a later deadline is reached in several rests. */
const MAX_REST_MS = 2 ** 31 - 1

export class Alarm {
  readonly #clock: Clock
  readonly #onWake: () => void
  #wakesAtMs = Infinity
  #cancel: (() => void) | undefined
  #closed = false

  constructor (clock: Clock, onWake: () => void) {
    this.#clock = clock
    this.#onWake = onWake
  }

  /** Infinity asks for nothing; a time that has passed, for the next turn of the event loop. */
  wakeBy (atMs: number): void {
    if (atMs >= this.#wakesAtMs || this.#closed) return
    this.#cancel?.()
    this.#wakesAtMs = atMs
    const restMs = Math.min(MAX_REST_MS, Math.max(0, atMs - this.#clock.nowMs()))
    this.#cancel = this.#clock.after(restMs, () => {
      this.#wakesAtMs = Infinity
      this.#cancel = undefined
      this.#onWake()
    })
  }

  close (): void {
    this.#closed = true
    this.#cancel?.()
  }
}
