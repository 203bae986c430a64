import { beforeEach, describe, expect, test } from 'vitest'
import { PUBLISH_MS, PublishSchedule } from '../src/publish-schedule.js'
import { ManualClock } from './support/manual-clock.js'

let clock: ManualClock
let runs: number[]
let schedule: PublishSchedule
const publisher = {
  isInSync: true,
  renewAtMs: Infinity,
  /** Set: a run ends when the test says so. */
  finish: undefined as (() => void) | undefined,
  isSlow: false,
  async publish (nowMs: number): Promise<void> {
    runs.push(nowMs)
    if (this.isSlow) await new Promise<void>(resolve => { this.finish = resolve })
  }
}
/** Moves time on and lets runs that ended set the next timer. */
async function advance (ms: number): Promise<void> {
  clock.advance(ms)
  await new Promise(resolve => { setImmediate(resolve) })
}

describe('PublishSchedule', () => {
  beforeEach(() => {
    clock = new ManualClock()
    runs = []
    Object.assign(publisher, { isInSync: true, renewAtMs: Infinity, finish: undefined, isSlow: false })
    schedule = new PublishSchedule(publisher, clock)
  })

  test('changes of a moment are published together, and then there is rest', async () => {
    for (let change = 0; change < 5; change++) { schedule.changed(); clock.advance(10) }
    await advance(10_000)
    expect(runs).toEqual([PUBLISH_MS])
    expect(clock.numTimers).toBe(0)
    schedule.changed()
    await advance(PUBLISH_MS)
    expect(runs).toEqual([PUBLISH_MS, 10_050 + PUBLISH_MS])
  })

  test('leases are renewed in time without a change', async () => {
    publisher.renewAtMs = 1000
    schedule.changed()
    await advance(PUBLISH_MS)
    publisher.renewAtMs = 2000
    await advance(999 - PUBLISH_MS)
    expect(runs).toEqual([PUBLISH_MS])
    await advance(1)
    await advance(1000)
    expect(runs).toEqual([PUBLISH_MS, 1000, 2000])
  })

  test('a store out of touch is tried until everything is published again', async () => {
    publisher.isInSync = false
    schedule.changed()
    for (let turn = 0; turn < 3; turn++) await advance(PUBLISH_MS)
    publisher.isInSync = true
    for (let turn = 0; turn < 3; turn++) await advance(PUBLISH_MS)
    expect(runs).toEqual([1, 2, 3, 4].map(turn => turn * PUBLISH_MS))
  })

  test('a change during a slow run is published after it', async () => {
    publisher.isSlow = true
    schedule.changed()
    await advance(PUBLISH_MS)
    schedule.changed()
    await advance(5 * PUBLISH_MS)
    expect(runs).toHaveLength(1)
    publisher.isSlow = false
    publisher.finish!()
    await advance(0)
    await advance(PUBLISH_MS)
    expect(runs).toEqual([PUBLISH_MS, 7 * PUBLISH_MS])
    expect(clock.numTimers).toBe(0)
  })

  test('closed during a run, it sets no timer', async () => {
    publisher.isSlow = true
    schedule.changed()
    await advance(PUBLISH_MS)
    schedule.changed()
    schedule.close()
    publisher.finish!()
    await advance(0)
    expect(clock.numTimers).toBe(0)
  })
})
