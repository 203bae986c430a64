// Owns what is known of connections to the scheduler's port that did not speak gRPC: their number, and a line in the log now and then.
import type { Refusal } from '@tandem/protocol'
import type { Logger } from 'pino'
import type { Clock } from '@tandem/core'

/** A scanner makes thousands of them in a second; one line in this time tells as much. */
const LOG_INTERVAL_MS = 10_000

export class RefusedConnections {
  count = 0
  #numLogged = 0
  #nextLogMs = -Infinity

  constructor (private readonly logger: Logger, private readonly clock: Clock) {}

  add ({ peer, firstBytes }: Refusal): void {
    this.count++
    const nowMs = this.clock.nowMs()
    if (nowMs < this.#nextLogMs) return
    this.#nextLogMs = nowMs + LOG_INTERVAL_MS
    const numSinceLast = this.count - this.#numLogged
    this.#numLogged = this.count
    this.logger.warn({ peer, firstBytes: firstBytes.toString('latin1'), numSinceLast }, 'connection closed: it does not speak gRPC')
  }
}
