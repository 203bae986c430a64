// Owns how long a request may stand still: while no worker could run it, or while its steps keep failing. A
// request that merely waits its turn is never failed.
import { schedulerError } from '../errors.js'
import type { Books } from './books.js'
import type { Sequence } from './sequence.js'

/** Starts, ends and enforces stalls. `outage` says why no worker can run anything now; undefined when one can. */
export function failStalled (books: Books, outage: string | undefined, nowMs: number): void {
  const expired: Sequence[] = []
  books.hasStalls = false
  for (const sequences of books.gateways.values()) {
    for (const sequence of sequences.values()) {
      updateStall(sequence, outage, nowMs)
      if (!sequence.stall) continue
      if (nowMs - sequence.stall.sinceMs >= books.options.requestTimeoutMs) expired.push(sequence)
      else books.hasStalls = true
    }
  }
  for (const sequence of expired) {
    const { code, reason } = sequence.stall!
    books.finish(sequence, 'error', schedulerError(code, { timeoutMs: books.options.requestTimeoutMs, reason }))
  }
}

/** When `failStalled` has something to do: the first stall that starts, ends or runs out. */
export function nextStallMs (books: Books, isOutage: boolean): number {
  if (!isOutage && !books.hasStalls) return Infinity
  let nextMs = Infinity
  for (const sequences of books.gateways.values()) {
    for (const { stall } of sequences.values()) {
      const isOutdated = isOutage ? !stall : stall?.code === 'no_worker_available'
      if (isOutdated) return -Infinity
      if (stall) nextMs = Math.min(nextMs, stall.sinceMs + books.options.requestTimeoutMs)
    }
  }
  return nextMs
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
