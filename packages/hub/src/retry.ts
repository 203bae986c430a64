// Owns when a failed attempt is made again and after how long. Time comes in by `sleep`.
import { setTimeout as delay } from 'node:timers/promises'

export interface RetryPolicy {
  /** Attempts in a row without progress, the first included. */
  readonly maxAttempts: number
  /** Wait after the first failure; doubled after each further one. */
  readonly baseDelayMs: number
  readonly maxDelayMs: number
  /** Waits; rejects when `signal` aborts. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>
  /** [0, 1): spreads the waits of many machines. */
  readonly random: () => number
}

export const defaultRetryPolicy: RetryPolicy = {
  maxAttempts: 5,
  baseDelayMs: 1_000,
  maxDelayMs: 60_000,
  sleep: (delayMs, signal) => delay(delayMs, undefined, { signal }),
  random: Math.random
}

/** A failure worth another attempt. `retryAfterMs` is what the server asked for. */
export class TransientFailure extends Error {
  override readonly name = 'TransientFailure'
  /** `failure` is thrown when attempts run out. */
  constructor (readonly failure: Error, readonly retryAfterMs?: number) { super(failure.message) }
}

/**
 * Runs `attempt` until it succeeds, fails for good, or `maxAttempts` in a row fail without `progress()` having grown.
 * @throws what `attempt` throws; of a TransientFailure, its `failure`.
 */
export async function withRetries<T> (
  policy: RetryPolicy, signal: AbortSignal, attempt: () => Promise<T>, progress: () => number = () => 0
): Promise<T> {
  let failures = 0
  let lastProgress = progress()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof TransientFailure) || signal.aborted) throw error instanceof TransientFailure ? error.failure : error
      if (progress() > lastProgress) failures = 0
      lastProgress = progress()
      failures++
      if (failures >= policy.maxAttempts) throw error.failure
      await policy.sleep(delayOf(policy, failures, error.retryAfterMs), signal)
    }
  }
}

/** Between half and the whole of the doubled delay, or longer when the server says so; never above the maximum. */
function delayOf (policy: RetryPolicy, failures: number, retryAfterMs = 0): number {
  const backoffMs = policy.baseDelayMs * 2 ** (failures - 1) * (0.5 + policy.random() / 2)
  return Math.min(Math.max(backoffMs, retryAfterMs), policy.maxDelayMs)
}
