import { beforeEach, describe, expect, test } from 'vitest'
import { CoreDriver } from '../support/core-driver.js'

let driver: CoreDriver

describe('requests that stand still', () => {
  beforeEach(() => { driver = new CoreDriver({ requestTimeoutMs: 1000, stepRetryMs: 10 }) })

  test('without a worker a request fails at its deadline, saying why', () => {
    driver.generate({ requestId: 'r', promptTokenIds: [1] })
    driver.tick(0)
    driver.tick(999)
    expect(driver.result('r').finishReason).toBeUndefined()
    driver.tick(1)
    expect(driver.result('r')).toMatchObject({ finishReason: 'FINISH_REASON_ERROR', errorCode: 'no_worker_available' })
  })

  test('a worker in time saves it, and the next outage counts from its own start', () => {
    driver.generate({ requestId: 'r', promptTokenIds: [1], maxTokens: 3 })
    driver.tick(0)
    driver.tick(900)
    driver.attention('a')
    driver.step('a')
    driver.lose('a')
    driver.tick(1)
    driver.tick(999)
    expect(driver.result('r').finishReason).toBeUndefined()
    driver.attention('b')
    driver.runDry()
    expect(driver.result('r').tokenIds).toHaveLength(3)
  })

  test('an outage is noticed, watched and forgotten without polling', () => {
    const { core } = driver
    expect(core.nextTickMs()).toBe(Infinity)
    driver.nowMs = 70
    driver.generate({ requestId: 'r', promptTokenIds: [1] })
    expect(core.nextTickMs()).toBe(-Infinity)
    driver.tick(0)
    expect(core.nextTickMs()).toBe(1070)
    driver.attention('a')
    expect(core.nextTickMs()).toBeGreaterThan(1070)
    driver.nowMs = 90
    driver.step('a', true)
    expect(core.nextTickMs()).toBe(100)
    driver.tick(10)
    expect(core.nextTickMs()).toBe(1090)
    // The plan behind the failed one fails with it.
    driver.runDry()
    driver.tick(10)
    driver.runDry()
    expect(driver.result('r').finishReason).toBe('FINISH_REASON_LENGTH')
    expect(core.nextTickMs()).toBeGreaterThan(1090)
  })

  test('a request that merely waits its turn does not fail', () => {
    driver = new CoreDriver({ requestTimeoutMs: 1000, maxNumSeqs: 1 })
    driver.attention('a')
    driver.generate({ requestId: 'long', promptTokenIds: [1], maxTokens: 50 })
    driver.generate({ requestId: 'next', promptTokenIds: [1], maxTokens: 2 })
    for (let turn = 0; turn < 40; turn++) { driver.step('a'); driver.tick(500) }
    driver.runDry()
    expect(driver.result('next').finishReason).toBe('FINISH_REASON_LENGTH')
  })

  test('steps that keep failing fail the request at its deadline, not before', () => {
    driver.attention('a')
    driver.generate({ requestId: 'r', promptTokenIds: [1] })
    for (let turn = 0; turn < 200 && driver.result('r').finishReason === undefined; turn++) {
      while (driver.plans.get('a')!.length > 0) driver.step('a', true)
      driver.tick(20)
    }
    expect(driver.result('r')).toMatchObject({ finishReason: 'FINISH_REASON_ERROR', errorCode: 'step_failed' })
    expect(driver.nowMs).toBeGreaterThanOrEqual(1000)
    expect(driver.nowMs).toBeLessThan(1100)
  })
})
