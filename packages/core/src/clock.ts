// Owns time as loops and pipelines see it, so that tests decide when a deadline passes.

export interface Clock {
  /** Monotonic milliseconds with a fraction. */
  nowMs (): number
  /** Calls back once after `ms`, or a little earlier; the result cancels it. */
  after (ms: number, callback: () => void): () => void
}

export const systemClock: Clock = Object.freeze({
  nowMs: () => performance.now(),
  after (ms: number, callback: () => void) {
    const timer = setTimeout(callback, Math.ceil(ms))
    return () => { clearTimeout(timer) }
  }
})
