import { beforeEach, describe, expect, test } from 'vitest'
import type { CoreAction } from '../../src/core/index.js'
import { CoreDriver } from '../support/core-driver.js'
import { expectedOutput } from '../support/fake-model.js'

const dropped = (actions: readonly CoreAction[]): string[] =>
  actions.flatMap(action => action.type === 'dropWorker' ? [`${action.workerId}#${action.workerNumber} ${action.error.code}`] : [])
const drained = (actions: readonly CoreAction[]): string[] => actions.flatMap(action => action.type === 'drained' ? [action.workerId] : [])
const range = (length: number, from = 0): number[] => Array.from({ length }, (_, index) => from + index)

let driver: CoreDriver
const beat = (workerId: string): CoreAction[] => driver.post({ type: 'heartbeat', workerId })

describe('heartbeats', () => {
  beforeEach(() => { driver = new CoreDriver({ heartbeatIntervalMs: 100, heartbeatTimeoutMs: 1000 }) })

  test('a silent worker is dropped after the timeout, a heard one is not', () => {
    driver.attention('quiet')
    driver.attention('alive')
    driver.ffn('f')
    driver.nowMs = 900
    beat('alive')
    beat('f')
    expect(dropped(driver.tick(101))).toEqual(['quiet#1 worker_silent'])
    expect([...driver.core.books.attention.keys()]).toEqual(['alive'])
    expect(dropped(driver.tick(1000))).toEqual(['alive#2 worker_silent', 'f#3 worker_silent'])
  })

  test('a step result counts as a sign of life', () => {
    driver.attention('a')
    driver.generate({ requestId: 'r', promptTokenIds: [1] })
    driver.nowMs = 900
    driver.step('a')
    expect(dropped(driver.tick(200))).toEqual([])
  })

  test('a worker that answers a step it was not asked for is dropped and its requests move', () => {
    driver.attention('mad')
    driver.generate({ requestId: 'r', promptTokenIds: [1, 2] })
    driver.attention('sane')
    const result = { ...driver.engines.get('mad')!.step(driver.plans.get('mad')![0]!), stepId: 77 }
    driver.plans.set('mad', [])
    expect(dropped(driver.post({ type: 'stepResult', workerId: 'mad', result }))).toEqual(['mad#1 worker_confused'])
    driver.runDry()
    expect(driver.result('r').tokenIds).toEqual(expectedOutput([1, 2], 4, 0, []).tokenIds)
  })
})

describe('reports of broken channels', () => {
  beforeEach(() => {
    driver = new CoreDriver({ heartbeatIntervalMs: 100, heartbeatTimeoutMs: 10_000 })
    driver.attention('a', { colocated: false })
    driver.ffn('f')
    driver.post({ type: 'assignmentReady', workerId: 'f', epoch: 1 })
    driver.post({ type: 'topologyReady', workerId: 'a', epoch: 1 })
    driver.nowMs = 1000
    driver.post({ type: 'peerDown', workerId: 'a', peerId: 'f', reason: 'reset' })
  })

  test('a suspect that stays silent is dead long before its heartbeat times out', () => {
    expect(dropped(driver.tick(199))).toEqual([])
    expect(dropped(driver.tick(1))).toEqual(['f#2 worker_silent'])
  })

  test('a suspect that is heard from is dialled again under a new epoch, once per report', () => {
    driver.post({ type: 'peerDown', workerId: 'a', peerId: 'f', reason: 'reset' })
    driver.nowMs += 50
    beat('f')
    const actions = driver.tick(1)
    expect(dropped(actions)).toEqual([])
    expect(actions.filter(({ type }) => type === 'assign')).toHaveLength(1)
    expect(driver.core.ffn.epoch).toBe(2)
    expect(dropped(driver.tick(1000))).toEqual([])
    expect(driver.core.ffn.epoch).toBe(2)
  })

  test('the next tick is due when the suspect is dead, or at once when it was heard from', () => {
    expect(driver.core.nextTickMs()).toBe(1200)
    driver.nowMs += 50
    beat('f')
    expect(driver.core.nextTickMs()).toBe(-Infinity)
    driver.tick(0)
    expect(driver.core.nextTickMs()).toBeGreaterThan(1200)
  })

  test('a report about a worker that is gone is ignored', () => {
    expect(() => driver.post({ type: 'peerDown', workerId: 'a', peerId: 'nobody', reason: 'reset' })).not.toThrow()
  })
})

describe('draining attention workers', () => {
  beforeEach(() => { driver = new CoreDriver({ drainTimeoutMs: 500 }) })

  test('takes nothing new, finishes what it has, then may go', () => {
    driver.attention('a')
    driver.generate({ requestId: 'before', promptTokenIds: [1, 2] })
    driver.attention('b')
    driver.post({ type: 'drain', workerId: 'a', requestedBy: 'operator' })
    driver.generate({ requestId: 'after', promptTokenIds: [1, 2, 3] })
    driver.runDry()
    expect(driver.result('before').tokenIds).toEqual(expectedOutput([1, 2], 4, 0, []).tokenIds)
    expect(driver.result('after').tokenIds).toEqual(expectedOutput([1, 2, 3], 4, 0, []).tokenIds)
    expect(drained(driver.actions)).toEqual(['a'])
    expect(driver.engines.get('a')!.numSequences).toBe(0)
  })

  test('what it does not finish in time goes on elsewhere, with the tokens it has', () => {
    driver.attention('a')
    driver.generate({ requestId: 'long', promptTokenIds: range(5), maxTokens: 30 })
    driver.attention('b')
    driver.step('a')
    driver.step('a')
    driver.post({ type: 'drain', workerId: 'a', requestedBy: 'worker' })
    expect(driver.core.nextTickMs()).toBe(500)
    driver.tick(499)
    expect(driver.core.books.attention.get('a')!.running).toHaveLength(1)
    driver.tick(1)
    driver.runDry()
    expect(driver.result('long').tokenIds).toEqual(expectedOutput(range(5), 30, 0, []).tokenIds)
    expect(drained(driver.actions)).toEqual(['a'])
  })

  test('a step that fails after its sequence moved off takes the results behind it along', () => {
    driver = new CoreDriver({ drainTimeoutMs: 0, maxNumBatchedTokens: 8 })
    driver.attention('a', {}, 'partial')
    driver.generate({ requestId: 'r', promptTokenIds: range(16), maxTokens: 4 })
    driver.attention('b')
    driver.post({ type: 'drain', workerId: 'a', requestedBy: 'worker' })
    driver.tick(1)
    driver.step('a', true)
    driver.step('a')
    driver.runDry()
    expect(driver.result('r').tokenIds).toEqual(expectedOutput(range(16), 4, 0, []).tokenIds)
  })

  test('the only one keeps its sequences past the time: there is nowhere else', () => {
    driver.attention('a')
    driver.generate({ requestId: 'r', promptTokenIds: range(5), maxTokens: 10 })
    driver.post({ type: 'drain', workerId: 'a', requestedBy: 'worker' })
    expect(driver.core.servingState).toMatchObject({ ready: false, reason: 'no attention worker is registered' })
    driver.tick(5000)
    expect(driver.core.nextTickMs()).toBeGreaterThan(5000)
    driver.runDry()
    expect(driver.result('r').finishReason).toBe('FINISH_REASON_LENGTH')
    expect(drained(driver.actions)).toEqual(['a'])
  })

  test('an operator cannot drain the last one or one that does not exist', () => {
    driver.attention('a')
    expect(() => driver.post({ type: 'drain', workerId: 'a', requestedBy: 'operator' })).toThrow('a is the only attention worker')
    expect(() => driver.post({ type: 'drain', workerId: 'x', requestedBy: 'operator' })).toThrow('there is no worker x')
  })
})
