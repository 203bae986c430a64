// Owns when a crashed process is started again. Pure: times are passed in.

export interface RestartPolicy {
  readonly firstDelayMs: number
  readonly delayMsMax: number
  /** Crashes within `windowMs` after which the process stays down. */
  readonly numCrashesMax: number
  readonly windowMs: number
}

export const defaultRestartPolicy: RestartPolicy = Object.freeze({
  firstDelayMs: 500, delayMsMax: 10_000, numCrashesMax: 5, windowMs: 120_000
})

/** Milliseconds until the next start, or undefined to give up. `crashTimesMs` includes the crash at `nowMs`. */
export function restartDelayMs (policy: RestartPolicy, crashTimesMs: readonly number[], nowMs: number): number | undefined {
  const numRecent = crashTimesMs.filter(time => nowMs - time < policy.windowMs).length
  if (numRecent > policy.numCrashesMax) return undefined
  return Math.min(policy.firstDelayMs * 2 ** Math.max(0, numRecent - 1), policy.delayMsMax)
}
