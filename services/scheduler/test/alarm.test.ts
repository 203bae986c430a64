import { beforeEach, describe, expect, test } from 'vitest'
import { Alarm } from '../src/alarm.js'
import { ManualClock } from './support/manual-clock.js'

let clock: ManualClock
let wakes: number[]
let alarm: Alarm

describe('Alarm', () => {
  beforeEach(() => {
    clock = new ManualClock()
    wakes = []
    alarm = new Alarm(clock, () => { wakes.push(clock.nowMs()) })
  })

  test('wakes once, at the earliest of the deadlines', () => {
    for (const atMs of [500, 200, 300]) alarm.wakeBy(atMs)
    expect(clock.numTimers).toBe(1)
    clock.advance(1000)
    expect(wakes).toEqual([200])
  })

  test('a later deadline while one is set costs no timer', () => {
    alarm.wakeBy(100)
    for (let atMs = 100; atMs < 200; atMs++) alarm.wakeBy(atMs)
    expect(clock.numTimersSet).toBe(1)
  })

  test('Infinity asks for nothing, the past for the next turn', () => {
    alarm.wakeBy(Infinity)
    expect(clock.numTimers).toBe(0)
    clock.advance(50)
    alarm.wakeBy(-Infinity)
    expect(wakes).toEqual([])
    clock.advance(0)
    expect(wakes).toEqual([50])
  })

  test('is free for the next deadline when it wakes', () => {
    alarm = new Alarm(clock, () => { wakes.push(clock.nowMs()); if (wakes.length < 3) alarm.wakeBy(clock.nowMs() + 10) })
    alarm.wakeBy(10)
    clock.advance(100)
    expect(wakes).toEqual([10, 20, 30])
  })

  test('a deadline beyond what a timer takes is reached in rests', () => {
    const farMs = 2 ** 32
    alarm = new Alarm(clock, () => { wakes.push(clock.nowMs()); if (clock.nowMs() < farMs) alarm.wakeBy(farMs) })
    alarm.wakeBy(farMs)
    clock.advance(farMs)
    expect(wakes).toEqual([2 ** 31 - 1, 2 ** 32 - 2, 2 ** 32])
  })

  test('closed, it never wakes again', () => {
    alarm.wakeBy(10)
    alarm.close()
    alarm.wakeBy(5)
    clock.advance(100)
    expect({ wakes, numTimers: clock.numTimers }).toEqual({ wakes: [], numTimers: 0 })
  })
})
