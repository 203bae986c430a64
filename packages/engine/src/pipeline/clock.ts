// Owns time as the pipeline sees it, so that tests decide when a deadline passes.

export interface Clock {
  /** Monotonic milliseconds with a fraction. */
  nowMs (): number
  /** Calls back once after `ms`; the result cancels it. */
  after (ms: number, callback: () => void): () => void
}

export const systemClock: Clock = Object.freeze({
  nowMs: () => performance.now(),
  after (ms: number, callback: () => void) {
    const timer = setTimeout(callback, ms)
    return () => { clearTimeout(timer) }
  }
})

export function microseconds (ms: number): number {
  return Math.round(ms * 1000)
}
