import { beforeEach, describe, expect, test } from 'vitest'
import type { StepResult__Output } from '@tandem/protocol'
import { CoreDriver, GATEWAY } from '../support/core-driver.js'
import { expectedOutput } from '../support/fake-model.js'

const range = (length: number, from = 0): number[] => Array.from({ length }, (_, index) => from + index)
let driver: CoreDriver

/** Runs the oldest plan and lets `change` spoil its result before it is delivered. */
function stepWith (change: (result: StepResult__Output) => StepResult__Output): void {
  const plan = driver.plans.get('a')!.shift()!
  driver.post({ type: 'stepResult', workerId: 'a', result: change(driver.engines.get('a')!.step(plan)) })
}

describe('applyStepResult', () => {
  beforeEach(() => {
    driver = new CoreDriver()
    driver.attention('a')
    driver.generate({ requestId: 'r', promptTokenIds: range(9), maxTokens: 8 })
  })
  const expectWhole = (): void => {
    driver.tick(1000)
    driver.runDry()
    expect(driver.result('r').tokenIds).toEqual(expectedOutput(range(9), 8, 0, []).tokenIds)
  }

  test('a result without the token of a line starts the sequence afresh', () => {
    driver.step('a')
    stepWith(result => ({ ...result, sampled: [] }))
    expect(driver.core.books.counters.numReadmissions).toBe(1)
    expectWhole()
  })

  test('tokens of strangers, of other positions and of finished sequences are ignored', () => {
    stepWith(result => ({
      ...result,
      sampled: [
        { seqId: 999, position: 0, tokenId: 1, finishReason: 'FINISH_REASON_UNSPECIFIED' },
        { seqId: 1, position: 3, tokenId: 1, finishReason: 'FINISH_REASON_UNSPECIFIED' },
        ...result.sampled,
        ...result.sampled
      ]
    }))
    expectWhole()
  })

  test('logprobs travel unchanged', () => {
    const logprobs = { logprob: -1.5, rank: 2, top: [{ tokenId: 7, logprob: -1 }] }
    stepWith(result => ({ ...result, sampled: result.sampled.map(token => ({ ...token, logprobs })) }))
    const [event] = driver.actions.flatMap(action => action.type === 'events' ? action.events : [])
    expect(event!.tokens![0]!.logprobs).toBe(logprobs)
  })

  test('a token and prompt logprobs of one step share an event', () => {
    driver.generate({ requestId: 'scored', promptTokenIds: range(5), maxTokens: 1, promptLogprobs: 0 })
    driver.runDry()
    const events = driver.actions.flatMap(action => action.type === 'events' ? action.events : []).filter(({ requestId }) => requestId === 'scored')
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ finishReason: 'FINISH_REASON_LENGTH', numCachedTokens: 0, tokens: [{}] })
    expect(events[0]!.promptLogprobs).toHaveLength(4)
  })

  test('blocks are shared only after the step that filled them was confirmed', () => {
    const { blocks } = driver.core.books.attention.get('a')!
    expect(blocks.cachedHashes()).toHaveLength(0)
    driver.step('a', true)
    expect(blocks.cachedHashes()).toHaveLength(0)
    driver.step('a')
    driver.tick(1000)
    driver.step('a')
    expect(blocks.cachedHashes()).toHaveLength(2)
  })

  test('after a gateway left, its tokens go nowhere and its blocks are free', () => {
    driver.post({ type: 'gatewayDetached', gatewayId: GATEWAY })
    expect(driver.step('a').filter(({ type }) => type === 'events')).toEqual([])
    const { blocks } = driver.core.books.attention.get('a')!
    expect(blocks.numFreeBlocks).toBe(blocks.numBlocks)
  })

  test('a result of a worker that is gone changes nothing', () => {
    const result = driver.engines.get('a')!.step(driver.plans.get('a')![0]!)
    driver.lose('a')
    driver.post({ type: 'stepResult', workerId: 'a', result })
    expect(driver.result('r').tokenIds).toEqual([])
    driver.attention('a')
    expectWhole()
  })
})
