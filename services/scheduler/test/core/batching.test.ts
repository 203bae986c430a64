import { describe, expect, test } from 'vitest'
import type { StepPlan } from '../../src/core/index.js'
import { CoreDriver } from '../support/core-driver.js'
import { expectedOutput } from '../support/fake-model.js'

const range = (length: number, from = 0): number[] => Array.from({ length }, (_, index) => from + index)
/** "seqId@from+count" for each line. */
const lines = (plan: StepPlan | undefined): string[] =>
  plan?.scheduled.map(({ seqId, numComputedTokens, numScheduledTokens }) => `${seqId}@${numComputedTokens}+${numScheduledTokens}`) ?? []

describe('formPlan', () => {
  test('plans one ahead: the second plan decodes a token the first has yet to sample', () => {
    const driver = new CoreDriver()
    driver.attention('a')
    driver.generate({ requestId: 'r', promptTokenIds: range(5), maxTokens: 3 })
    expect(driver.plans.get('a')!.map(lines)).toEqual([['1@0+5'], ['1@5+1']])
    expect(driver.plans.get('a')![0]!.newSequences).toHaveLength(1)
    expect(driver.plans.get('a')![1]!.newSequences).toHaveLength(0)
    driver.step('a')
    // The third token is the last: it is in flight, nothing is scheduled behind it but the removal.
    driver.step('a')
    driver.step('a')
    const removal = driver.plans.get('a')!.at(-1)!
    expect(removal).toMatchObject({ removedSeqIds: [1], scheduled: [] })
    driver.runDry()
    expect(driver.engines.get('a')!.numSequences).toBe(0)
  })

  test('chunks a long prompt and mixes it with decodes, which come first', () => {
    const driver = new CoreDriver({ maxNumBatchedTokens: 8 })
    driver.attention('a')
    driver.generate({ requestId: 'short', promptTokenIds: [1, 2], maxTokens: 10 })
    driver.step('a')
    driver.generate({ requestId: 'long', promptTokenIds: range(20), maxTokens: 2 })
    driver.step('a')
    expect(lines(driver.plans.get('a')!.at(-1))).toEqual(['1@4+1', '2@0+7'])
    driver.step('a')
    expect(lines(driver.plans.get('a')!.at(-1))).toEqual(['1@5+1', '2@7+7'])
    driver.step('a')
    expect(lines(driver.plans.get('a')!.at(-1))).toEqual(['1@6+1', '2@14+6'])
    driver.runDry()
    expect(driver.result('long').tokenIds).toEqual(expectedOutput(range(20), 2, 0, []).tokenIds)
  })

  test('a sequence that stopped by itself is dropped once; its speculative line yields nothing', () => {
    const driver = new CoreDriver()
    driver.attention('a')
    const [first] = expectedOutput(range(3), 1, 0, []).tokenIds
    driver.generate({ requestId: 'r', promptTokenIds: range(3), maxTokens: 9, stopTokenIds: [first!] })
    driver.runDry()
    expect(driver.result('r')).toMatchObject({ tokenIds: [first], finishReason: 'FINISH_REASON_STOP' })
    const removed = driver.actions.flatMap(action => action.type === 'step' ? action.plan.removedSeqIds : [])
    expect(removed).toEqual([1])
  })

  test('an abort frees blocks at once and the worker drops the sequence with the next plan', () => {
    const driver = new CoreDriver()
    driver.attention('a')
    driver.generate({ requestId: 'r', promptTokenIds: range(9), maxTokens: 50 })
    driver.abort('r')
    expect(driver.result('r').finishReason).toBe('FINISH_REASON_ABORT')
    const { blocks } = driver.core.books.attention.get('a')!
    expect(blocks.numFreeBlocks).toBe(blocks.numBlocks)
    driver.step('a')
    driver.step('a')
    expect(driver.plans.get('a')).toMatchObject([{ removedSeqIds: [1], scheduled: [] }])
    driver.abort('r')
    driver.runDry()
    expect(driver.engines.get('a')!.numSequences).toBe(0)
  })

  test('when blocks run out the latest arrival gives way, and still gets all its tokens', () => {
    const driver = new CoreDriver()
    driver.attention('a', { numKvBlocks: 8, blockSize: 4 })
    for (const seed of [1, 2, 3]) driver.generate({ requestId: `r${seed}`, promptTokenIds: range(6, seed), maxTokens: 20, seed })
    driver.runDry()
    expect(driver.core.books.counters.numPreemptions).toBeGreaterThan(0)
    for (const seed of [1, 2, 3]) expect(driver.result(`r${seed}`).tokenIds).toEqual(expectedOutput(range(6, seed), 20, seed, []).tokenIds)
    const ends = driver.actions.flatMap(action => action.type === 'events' ? action.events : [])
      .filter(({ finishReason }) => finishReason !== undefined).map(({ requestId }) => requestId)
    expect(ends[0]).toBe('r1')
  })

  test('a failed step loses no token and repeats none, also for the plan behind it', () => {
    for (const failureStyle of ['atomic', 'lenient', 'partial'] as const) {
      const driver = new CoreDriver({ stepRetryMs: 100 })
      driver.attention('a', {}, failureStyle)
      driver.generate({ requestId: 'r', promptTokenIds: range(9), maxTokens: 12 })
      driver.step('a')
      driver.step('a')
      driver.step('a', true)
      driver.step('a')
      expect(driver.plans.get('a')).toEqual([])
      driver.tick(200)
      driver.runDry()
      expect(driver.result('r').tokenIds).toEqual(expectedOutput(range(9), 12, 0, []).tokenIds)
    }
  })

  test('new blocks are told once, in the order of the block table', () => {
    const driver = new CoreDriver()
    driver.attention('a', { blockSize: 2 })
    driver.generate({ requestId: 'r', promptTokenIds: range(3), maxTokens: 6 })
    driver.runDry()
    const told = driver.actions.flatMap(action => action.type === 'step' ? action.plan.scheduled.flatMap(line => line.newBlockIds) : [])
    // 3 prompt tokens and 5 of the 6 output tokens are computed: 4 blocks of 2.
    expect(new Set(told).size).toBe(told.length)
    expect(told).toHaveLength(4)
  })
})
