import { describe, expect, test } from 'vitest'
import type { CoreAction } from '../../src/core/index.js'
import { CoreDriver, GATEWAY, registration } from '../support/core-driver.js'

const types = (actions: readonly CoreAction[]): string[] => actions.map(({ type }) => type)

describe('SchedulerCore', () => {
  test('all tokens of a step go to a gateway as one action', () => {
    const driver = new CoreDriver()
    driver.attention('a')
    for (let index = 0; index < 5; index++) driver.core.handle({ type: 'abort', gatewayId: GATEWAY, requestId: `unknown-${index}` }, 0)
    for (let index = 0; index < 5; index++) driver.generate({ requestId: `r${index}`, promptTokenIds: [index, 1] })
    for (let turn = 0; turn < 3; turn++) driver.step('a')
    const actions = driver.step('a')
    const events = actions.filter(action => action.type === 'events')
    expect(events).toHaveLength(1)
    expect(events[0]!.events).toHaveLength(5)
  })

  test('the serving state is told on each change and not otherwise', () => {
    const driver = new CoreDriver()
    expect(types(driver.attention('a'))).toContain('servingState')
    expect(types(driver.attention('b'))).not.toContain('servingState')
    expect(types(driver.attention('roomy', { numKvBlocks: 100, maxModelLen: 400 }))).toContain('servingState')
    expect(types(driver.tick(1))).toEqual([])
    expect(types(driver.lose('a'))).not.toContain('servingState')
  })

  test('each gateway gets its own tokens, and the same request_id may live on two', () => {
    const driver = new CoreDriver()
    driver.attention('a')
    driver.post({ type: 'gatewayAttached', gatewayId: 2 })
    driver.generate({ requestId: 'r', promptTokenIds: [1, 2], maxTokens: 1 })
    const { sampling } = driver.core.books.gateways.get(GATEWAY)!.get('r')!
    driver.core.handle({ type: 'generate', gatewayId: 2, request: { requestId: 'r', promptTokenIds: [5], maxTokens: 1, sampling, outputTokenIds: [] } }, 0)
    driver.core.flush(0)
    const events = driver.step('a').filter(action => action.type === 'events')
    expect(events.map(({ gatewayId }) => gatewayId)).toEqual([GATEWAY])
    driver.post({ type: 'gatewayDetached', gatewayId: 2 })
    expect(driver.core.books.numRunning).toBe(0)
  })

  test('a worker id may not register twice: its old stream is lost first', () => {
    const driver = new CoreDriver()
    driver.attention('a')
    expect(() => driver.post({ type: 'workerRegistered', registration: registration('a') })).toThrow('before its old stream was lost')
  })

  test('workers get numbers that are never used again', () => {
    const driver = new CoreDriver()
    const numbers = ['a', 'b', 'a'].map(workerId => {
      if (driver.plans.has(workerId)) driver.lose(workerId)
      const accepted = driver.attention(workerId).find(action => action.type === 'accepted')
      return accepted?.type === 'accepted' ? accepted.workerNumber : undefined
    })
    expect(numbers).toEqual([1, 2, 3])
  })
})
