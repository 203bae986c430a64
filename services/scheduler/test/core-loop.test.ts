import { once, EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { SchedulerCore } from '../src/core/index.js'
import type { CoreAction } from '../src/core/index.js'
import { CoreLoop } from '../src/core-loop.js'
import { coreOptions, ffnRegistration, registration } from './support/core-driver.js'
import { ManualClock } from './support/manual-clock.js'

interface Made {
  readonly loop: CoreLoop
  readonly clock: ManualClock
  readonly actions: CoreAction[]
  readonly changed: EventEmitter
}

function makeLoop (onFatal: (error: unknown) => void = error => { throw error }): Made {
  const actions: CoreAction[] = []
  const changed = new EventEmitter()
  const clock = new ManualClock()
  const loop = new CoreLoop({
    core: new SchedulerCore(coreOptions({ heartbeatIntervalMs: 100, heartbeatTimeoutMs: 1000, topologySettleMs: 250 })),
    clock,
    dispatch: action => { actions.push(action); changed.emit('action') },
    onFatal
  })
  return { loop, clock, actions, changed }
}

describe('CoreLoop', () => {
  test('events of one turn share a flush', async () => {
    const { loop, actions, changed } = makeLoop()
    loop.post({ type: 'workerRegistered', registration: registration('a') })
    loop.post({ type: 'workerRegistered', registration: registration('b') })
    expect(actions).toEqual([])
    await once(changed, 'action')
    expect(actions.filter(({ type }) => type === 'accepted')).toHaveLength(2)
    expect(actions.filter(({ type }) => type === 'servingState')).toHaveLength(1)
  })

  test('a refusal goes to the caller, a broken invariant stops the loop', () => {
    const fatal: unknown[] = []
    const { loop, actions } = makeLoop(error => { fatal.push(error) })
    expect(() => { loop.post({ type: 'drain', workerId: 'x', requestedBy: 'operator' }) }).toThrow('there is no worker x')
    expect(fatal).toEqual([])
    loop.post({ type: 'workerRegistered', registration: registration('a') })
    loop.post({ type: 'workerRegistered', registration: registration('a') })
    expect(fatal).toHaveLength(1)
    loop.flush()
    loop.post({ type: 'tick' })
    expect(actions).toEqual([])
  })

  test('rests until the next deadline, and acts when it passes', () => {
    const { loop, clock, actions } = makeLoop()
    const types = (): string[] => actions.splice(0).map(({ type }) => type).filter(type => type !== 'note')
    expect(clock.numTimers).toBe(0)
    loop.post({ type: 'workerRegistered', registration: ffnRegistration('f') })
    loop.flush()
    expect(types()).toEqual(['accepted', 'servingState'])
    clock.advance(249)
    loop.flush()
    expect({ numWakes: clock.numWakes, types: types() }).toEqual({ numWakes: 0, types: [] })
    clock.advance(1)
    loop.flush()
    expect(types()).toEqual(['assign'])
    clock.advance(749)
    loop.flush()
    expect({ numWakes: clock.numWakes, types: types() }).toEqual({ numWakes: 1, types: [] })
    clock.advance(1)
    loop.flush()
    expect(types()).toContain('dropWorker')
    expect({ numWakes: clock.numWakes, numTimers: clock.numTimers }).toEqual({ numWakes: 2, numTimers: 0 })
  })

  test('heartbeats do not set timers: the first deadline is looked at again when it passes', () => {
    const { loop, clock, actions } = makeLoop()
    loop.post({ type: 'workerRegistered', registration: registration('a') })
    loop.flush()
    for (let beats = 0; beats < 30; beats++) {
      clock.advance(100)
      loop.post({ type: 'heartbeat', workerId: 'a' })
      loop.flush()
    }
    expect(actions.some(({ type }) => type === 'dropWorker')).toBe(false)
    expect(clock.numTimersSet).toBeLessThanOrEqual(5)
    clock.advance(1000)
    loop.flush()
    expect(actions.some(({ type }) => type === 'dropWorker')).toBe(true)
  })

  test('stopping leaves no timer behind', () => {
    const { loop, clock } = makeLoop()
    loop.post({ type: 'workerRegistered', registration: registration('a') })
    loop.flush()
    expect(clock.numTimers).toBe(1)
    loop.stop()
    expect(clock.numTimers).toBe(0)
  })
})
