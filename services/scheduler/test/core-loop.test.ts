import { once, EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { SchedulerCore } from '../src/core/index.js'
import type { CoreAction } from '../src/core/index.js'
import { CoreLoop } from '../src/core-loop.js'
import { coreOptions, registration } from './support/core-driver.js'

function makeLoop (onFatal: (error: unknown) => void = error => { throw error }): { loop: CoreLoop, actions: CoreAction[], changed: EventEmitter } {
  const actions: CoreAction[] = []
  const changed = new EventEmitter()
  const loop = new CoreLoop({
    core: new SchedulerCore(coreOptions()),
    clock: { nowMs: () => 0 },
    dispatch: action => { actions.push(action); changed.emit('action') },
    onFatal
  })
  return { loop, actions, changed }
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
})
