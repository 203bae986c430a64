import { expect, test } from 'vitest'
import { generateLoad } from '../../src/bench/load.js'
import { nextArrivalMs, seededRandom } from '../../src/bench/random.js'

function createGauge () {
  let open = 0
  const gauge = { sent: 0, openMax: 0 }
  const send = async () => {
    gauge.sent++
    gauge.openMax = Math.max(gauge.openMax, ++open)
    await new Promise(resolve => setImmediate(resolve))
    open--
  }
  return { gauge, send }
}

const options = { numRequests: 20, concurrency: 3, rate: 0, random: seededRandom(1), signal: new AbortController().signal }

test('a closed loop keeps its users busy and sends exactly as many as asked', async () => {
  const { gauge, send } = createGauge()
  await generateLoad(options, send)
  expect(gauge).toEqual({ sent: 20, openMax: 3 })
})

test('an open loop sends all of them, users or not', async () => {
  const { gauge, send } = createGauge()
  await generateLoad({ ...options, concurrency: 1, rate: 1e6 }, send)
  expect(gauge.sent).toBe(20)
})

test('an interrupted loop sends no more', async () => {
  const { gauge, send } = createGauge()
  const interrupt = new AbortController()
  await generateLoad({ ...options, signal: interrupt.signal }, async () => {
    await send()
    interrupt.abort()
  })
  expect(gauge.sent).toBeLessThan(20)
})

test('arrivals are those of the rate on average, and the same for the same seed', () => {
  const times = (seed: number) => {
    const random = seededRandom(seed)
    return Array.from({ length: 4_000 }, () => nextArrivalMs(random, 10))
  }
  const mean = times(5).reduce((sum, time) => sum + time, 0) / 4_000
  expect(mean).toBeGreaterThan(95)
  expect(mean).toBeLessThan(105)
  expect(times(5)).toEqual(times(5))
  expect(times(5)).not.toEqual(times(6))
})
