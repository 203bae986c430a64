// Owns when requests are sent: users in a closed loop, or arrivals at a rate whatever is still open.
import { setTimeout as delay } from 'node:timers/promises'
import { nextArrivalMs } from './random.js'

export interface LoadOptions {
  readonly numRequests: number
  readonly concurrency: number
  /** Per second; 0 for a closed loop. */
  readonly rate: number
  readonly random: () => number
  readonly signal: AbortSignal
}

/** Resolves when all requests that were started have ended. */
export async function generateLoad (options: LoadOptions, send: () => Promise<void>): Promise<void> {
  if (options.rate > 0) await openLoop(options, send)
  else await closedLoop(options, send)
}

async function closedLoop (options: LoadOptions, send: () => Promise<void>): Promise<void> {
  let numStarted = 0
  const user = async () => {
    while (numStarted < options.numRequests && !options.signal.aborted) {
      numStarted++
      await send()
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.concurrency, options.numRequests) }, user))
}

async function openLoop (options: LoadOptions, send: () => Promise<void>): Promise<void> {
  const open: Promise<void>[] = []
  for (let idx = 0; idx < options.numRequests && !options.signal.aborted; idx++) {
    open.push(send())
    await delay(nextArrivalMs(options.random, options.rate), undefined, { signal: options.signal }).catch(() => {})
  }
  await Promise.all(open)
}
