import { expect, test } from 'vitest'
import { restartDelayMs } from '../../src/launcher/restart-policy.js'

const policy = { firstDelayMs: 500, delayMsMax: 3_000, numCrashesMax: 4, windowMs: 60_000 }

test('delays double up to the maximum, then it gives up', () => {
  const delays = [1, 2, 3, 4, 5].map(count => restartDelayMs(policy, Array.from({ length: count }, (_, idx) => idx), 10))
  expect(delays).toEqual([500, 1_000, 2_000, 3_000, undefined])
})

test('crashes outside the window are forgotten', () => {
  expect(restartDelayMs(policy, [0, 1, 2, 3, 4, 100_000], 100_000)).toBe(500)
})
