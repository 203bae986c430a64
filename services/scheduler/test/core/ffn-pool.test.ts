import { beforeEach, describe, expect, test } from 'vitest'
import type { CoreAction } from '../../src/core/index.js'
import { CoreDriver } from '../support/core-driver.js'
import { expectedOutput } from '../support/fake-model.js'

/** What the pool told workers, in short: "assign f1 3 0/2 [0,4)", "topology a 3", "retire f1 3", "drained f1". */
function told (actions: readonly CoreAction[]): string[] {
  return actions.flatMap(action => {
    switch (action.type) {
      case 'assign': {
        const { epoch, instanceIdx, rank, size, shards } = action.assignment
        return [`assign ${action.workerId} ${epoch}.${instanceIdx} ${rank}/${size} [${shards.start},${shards.end})`]
      }
      case 'topology': return [`topology ${action.workerId} ${action.topology.epoch}`]
      case 'retire': return [`retire ${action.workerId} ${action.epoch}`]
      case 'drained': return [`drained ${action.workerId}`]
      default: return []
    }
  })
}

let driver: CoreDriver
const epoch = (): number => driver.core.ffn.epoch
const ready = (...workerIds: string[]): string[] =>
  told(driver.post(...workerIds.map(workerId => ({ type: 'assignmentReady' as const, workerId, epoch: epoch() }))))
const taken = (...workerIds: string[]): string[] =>
  told(driver.post(...workerIds.map(workerId => ({ type: 'topologyReady' as const, workerId, epoch: epoch() }))))
const attention = (workerId: string): string[] => told(driver.attention(workerId, { colocated: false }))
const state = (): [boolean, string] => [driver.core.servingState.ready, driver.core.servingState.reason]

describe('one instance', () => {
  beforeEach(() => { driver = new CoreDriver() })

  test('registration, assignment, topology, retirement, in that order', () => {
    expect(attention('a')).toEqual([])
    expect(state()).toEqual([false, 'no ffn worker is registered'])
    expect(told(driver.ffn('f1'))).toEqual(['assign f1 1.0 0/1 [0,8)'])
    driver.generate({ requestId: 'r', promptTokenIds: [1, 2] })
    expect(state()).toEqual([false, 'workers are loading their shards'])
    expect(ready('f1')).toEqual(['topology a 1'])
    expect(driver.plans.get('a')).toEqual([])
    expect(taken('a')).toEqual(['retire f1 1'])
    expect(state()).toEqual([true, ''])
    expect(driver.plans.get('a')).toHaveLength(2)
    driver.runDry()
    expect(driver.result('r').tokenIds).toEqual(expectedOutput([1, 2], 4, 0, []).tokenIds)
  })

  test('a second ffn worker halves the shards while the first topology serves on', () => {
    attention('a')
    attention('b')
    driver.ffn('f1')
    ready('f1')
    taken('a', 'b')
    expect(told(driver.ffn('f2'))).toEqual(['assign f1 2.0 0/2 [0,4)', 'assign f2 2.0 1/2 [4,8)'])
    driver.generate({ requestId: 'r', promptTokenIds: [1, 2] })
    driver.runDry()
    expect(driver.result('r').tokenIds).toHaveLength(4)
    expect(ready('f1')).toEqual([])
    expect(ready('f2')).toEqual(['topology a 2', 'topology b 2'])
    expect(taken('b')).toEqual([])
    expect(taken('a')).toEqual(['retire f1 2', 'retire f2 2'])
  })

  test('an attention worker that joins later gets the topology at once', () => {
    attention('a')
    driver.ffn('f1')
    ready('f1')
    taken('a')
    expect(attention('late')).toEqual(['topology late 1'])
    expect(taken('late')).toEqual([])
  })

  test('nobody is sent to a topology with a dead member', () => {
    attention('a')
    driver.ffn('f1')
    ready('f1')
    taken('a')
    driver.lose('f1')
    expect(attention('late')).toEqual([])
    driver.ffn('f2')
    expect(ready('f2')).toEqual(['topology a 2', 'topology late 2'])
  })

  test('a slow attention worker does not hold back retirement beyond the timeout, nor gets steps of a retired epoch', () => {
    driver = new CoreDriver({ topologyTimeoutMs: 100 })
    attention('slow')
    driver.ffn('f1')
    ready('f1')
    taken('slow')
    driver.ffn('f2')
    ready('f1', 'f2')
    expect(told(driver.tick(99))).toEqual([])
    expect(told(driver.tick(1))).toEqual(['retire f1 2', 'retire f2 2'])
    driver.generate({ requestId: 'r', promptTokenIds: [1, 2] })
    expect(driver.plans.get('slow')).toEqual([])
    taken('slow')
    expect(driver.plans.get('slow')).toHaveLength(2)
  })

  test('a dead member is replaced under a new epoch; steps wait for it and no request fails', () => {
    attention('a')
    driver.ffn('f1')
    driver.ffn('f2')
    ready('f1', 'f2')
    taken('a')
    driver.generate({ requestId: 'r', promptTokenIds: [1, 2], maxTokens: 10 })
    expect(told(driver.lose('f2'))).toEqual([`assign f1 ${epoch()}.0 0/1 [0,8)`])
    expect(state()).toEqual([true, ''])
    // The steps in flight end in the engine one way or the other; no new one starts without an ffn side.
    driver.step('a', true)
    driver.step('a', true)
    driver.tick(1000)
    expect(driver.plans.get('a')).toEqual([])
    expect(ready('f1')).toEqual([`topology a ${epoch()}`])
    taken('a')
    driver.runDry()
    expect(driver.result('r')).toMatchObject({ ...expectedOutput([1, 2], 10, 0, []), errorCode: undefined })
  })

  test('a member that dies while shards load, or while the topology spreads, starts the change over', () => {
    attention('a')
    driver.ffn('f1')
    driver.ffn('f2')
    ready('f1')
    expect(told(driver.lose('f2'))).toEqual(['assign f1 3.0 0/1 [0,8)'])
    driver.ffn('f3')
    ready('f1', 'f3')
    expect(told(driver.lose('f1'))).toEqual(['assign f3 5.0 0/1 [0,8)'])
    expect(ready('f3')).toEqual(['topology a 5'])
    expect(taken('a')).toEqual(['retire f3 5'])
  })

  test('a late answer for an older epoch changes nothing', () => {
    attention('a')
    driver.ffn('f1')
    driver.ffn('f2')
    expect(told(driver.post({ type: 'assignmentReady', workerId: 'f1', epoch: 1 }, { type: 'assignmentReady', workerId: 'f2', epoch: 1 }))).toEqual([])
    expect(told(driver.post({ type: 'topologyReady', workerId: 'a', epoch: 99 }))).toEqual([])
    expect(state()[0]).toBe(false)
  })

  test('joins that come together are assigned together', () => {
    driver = new CoreDriver({ topologySettleMs: 100 })
    expect(told(driver.ffn('f1'))).toEqual([])
    driver.nowMs = 60
    expect(told(driver.ffn('f2'))).toEqual([])
    expect(told(driver.tick(40))).toEqual(['assign f1 1.0 0/2 [0,4)', 'assign f2 1.0 1/2 [4,8)'])
  })

  test('epochs go on from the one that was stored', () => {
    driver = new CoreDriver({}, 41)
    expect(told(driver.ffn('f1'))).toEqual(['assign f1 42.0 0/1 [0,8)'])
    driver.core.ffn.raiseEpoch(50)
    driver.ffn('f2')
    expect(epoch()).toBe(51)
  })

  test('colocated attention workers take no topology and hold nothing back', () => {
    driver.attention('c')
    expect(state()).toEqual([true, ''])
    expect(told(driver.ffn('f1'))).toEqual(['assign f1 1.0 0/1 [0,8)'])
    expect(ready('f1')).toEqual(['retire f1 1'])
  })
})

describe('several instances', () => {
  test('nine workers are two instances, and ubatches go to both in turn', () => {
    driver = new CoreDriver({ topologySettleMs: 10, numUbatches: 4 })
    attention('a')
    const workerIds = Array.from({ length: 9 }, (_, index) => `f${index}`)
    for (const workerId of workerIds) driver.ffn(workerId)
    driver.tick(10)
    ready(...workerIds)
    taken('a')
    for (let index = 0; index < 4; index++) driver.generate({ requestId: `r${index}`, promptTokenIds: [index, 2] })
    driver.step('a')
    driver.step('a')
    const plan = driver.plans.get('a')!.at(-1)!
    expect(plan.scheduled.map(({ ubatchIdx }) => ubatchIdx)).toEqual([0, 1, 2, 3])
    expect([[0, 1, 0, 1], [1, 0, 1, 0]]).toContainEqual(plan.ffnInstanceOfUbatch)
  })

  test('with one instance broken, steps use the other until the new topology is taken', () => {
    driver = new CoreDriver({ ffnInstanceSize: 1, numUbatches: 2 })
    attention('a')
    driver.ffn('f1')
    driver.ffn('f2')
    ready('f1', 'f2')
    taken('a')
    driver.lose('f1')
    driver.generate({ requestId: 'r', promptTokenIds: [1, 2] })
    expect(driver.plans.get('a')!.map(plan => plan.ffnInstanceOfUbatch)).toEqual([[1], [1]])
  })

  test('a fixed instance size waits for its first instance, keeps spares and uses them', () => {
    driver = new CoreDriver({ ffnInstanceSize: 2 })
    attention('a')
    expect(told(driver.ffn('f1'))).toEqual([])
    expect(state()).toEqual([false, 'waiting for 2 ffn workers, 1 registered'])
    expect(told(driver.ffn('f2'))).toEqual(['assign f1 1.0 0/2 [0,4)', 'assign f2 1.0 1/2 [4,8)'])
    ready('f1', 'f2')
    taken('a')
    driver.ffn('spare')
    ready('f1', 'f2')
    taken('a')
    expect(driver.core.ffn.workers.get('spare')!.assignment).toBeUndefined()
    const before = epoch()
    expect(told(driver.lose('f1'))).toEqual([`assign f2 ${before + 1}.0 0/2 [0,4)`, `assign spare ${before + 1}.0 1/2 [4,8)`])
  })
})

describe('draining ffn workers', () => {
  beforeEach(() => {
    driver = new CoreDriver()
    attention('a')
    driver.ffn('f1')
    driver.ffn('f2')
    ready('f1', 'f2')
    taken('a')
  })

  test('a drained worker leaves after the topology without it was taken', () => {
    expect(told(driver.post({ type: 'drain', workerId: 'f1', requestedBy: 'operator' }))).toEqual(['assign f2 3.0 0/1 [0,8)'])
    expect(ready('f2')).toEqual(['topology a 3'])
    expect(taken('a')).toEqual(['retire f1 3', 'retire f2 3', 'drained f1'])
    expect(told(driver.lose('f1'))).toEqual([])
    expect(epoch()).toBe(3)
  })

  test('the last one is refused to an operator, and leaves on its own wish when nothing runs', () => {
    driver.post({ type: 'drain', workerId: 'f1', requestedBy: 'operator' })
    expect(() => driver.post({ type: 'drain', workerId: 'f2', requestedBy: 'operator' })).toThrow('f2 is the only ffn worker that is not draining')
    ready('f2')
    taken('a')
    driver.generate({ requestId: 'r', promptTokenIds: [1, 2] })
    expect(told(driver.post({ type: 'drain', workerId: 'f2', requestedBy: 'worker' }))).toEqual([])
    expect(state()).toEqual([false, 'no ffn worker is registered'])
    driver.generate({ requestId: 'later', promptTokenIds: [1, 2] })
    driver.runDry()
    expect(driver.result('r').tokenIds).toHaveLength(4)
    expect(told(driver.actions)).toContain('drained f2')
    expect(driver.result('later').finishReason).toBeUndefined()
    driver.ffn('f3')
    ready('f3')
    taken('a')
    driver.runDry()
    expect(driver.result('later').finishReason).toBe('FINISH_REASON_LENGTH')
  })
})
