import { describe, expect, it } from 'vitest'
import { TransientFailure, withRetries } from '../src/retry.js'
import type { RetryPolicy } from '../src/retry.js'

const never = new AbortController().signal

function policy (delays: number[], random = 1): RetryPolicy {
  return { maxAttempts: 4, baseDelayMs: 100, maxDelayMs: 300, random: () => random, sleep: async delayMs => { delays.push(delayMs) } }
}

function failing (numTimes: number, error: Error): () => Promise<string> {
  let calls = 0
  return async () => {
    if (calls++ < numTimes) throw error
    return 'done'
  }
}

describe('withRetries', () => {
  const transient = new TransientFailure(new Error('broke'))

  it('doubles the wait up to its maximum, and spreads it', async () => {
    const delays: number[] = []
    expect(await withRetries(policy(delays), never, failing(3, transient))).toBe('done')
    expect(delays).toEqual([100, 200, 300])
    const spread: number[] = []
    await withRetries(policy(spread, 0), never, failing(2, transient))
    expect(spread).toEqual([50, 100])
  })

  it('gives up with the failure itself, and never tries again what is final', async () => {
    const delays: number[] = []
    await expect(withRetries(policy(delays), never, failing(9, transient))).rejects.toBe(transient.failure)
    expect(delays.length).toBe(3)
    const final = new Error('no')
    await expect(withRetries(policy(delays), never, failing(1, final))).rejects.toBe(final)
    expect(delays.length).toBe(3)
  })

  it('counts attempts anew after progress', async () => {
    const delays: number[] = []
    let progress = 0
    let calls = 0
    const attempt = async (): Promise<string> => {
      progress++
      if (calls++ < 20) throw transient
      return 'done'
    }
    expect(await withRetries(policy(delays), never, attempt, () => progress)).toBe('done')
    expect(new Set(delays)).toEqual(new Set([100]))
  })

  it('stops waiting when aborted', async () => {
    const abort = new AbortController()
    const sleep = async (): Promise<void> => { abort.abort(); throw new Error('aborted') }
    await expect(withRetries({ ...policy([]), sleep }, abort.signal, failing(9, transient))).rejects.toThrow('aborted')
    await expect(withRetries(policy([]), abort.signal, failing(9, transient))).rejects.toThrow('broke')
  })
})
