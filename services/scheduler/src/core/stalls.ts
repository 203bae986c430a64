// Owns how long a request may stand still: while no worker could run it, or while its steps keep failing. A
// request that merely waits its turn is never failed.
import { schedulerError } from '../errors.js'
import type { Books } from './books.js'
import type { Sequence } from './sequence.js'

/** Starts, ends and enforces stalls. `outage` says why no worker can run anything now; undefined when one can. */
export function failStalled (books: Books, outage: string | undefined, nowMs: number): void {
  const expired: Sequence[] = []
  for (const sequences of books.gateways.values()) {
    for (const sequence of sequences.values()) {
      updateStall(sequence, outage, nowMs)
      if (sequence.stall && nowMs - sequence.stall.sinceMs >= books.options.requestTimeoutMs) expired.push(sequence)
    }
  }
  for (const sequence of expired) {
    const { code, reason } = sequence.stall!
    books.finish(sequence, 'error', schedulerError(code, { timeoutMs: books.options.requestTimeoutMs, reason }))
  }
}

function updateStall (sequence: Sequence, outage: string | undefined, nowMs: number): void {
  if (outage === undefined) {
    if (sequence.stall?.code === 'no_worker_available') sequence.stall = undefined
  } else if (!sequence.stall) {
    sequence.stall = { code: 'no_worker_available', sinceMs: nowMs, reason: outage }
  } else if (sequence.stall.code === 'no_worker_available') {
    sequence.stall.reason = outage
  }
}
