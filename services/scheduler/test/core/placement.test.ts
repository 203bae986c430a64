import { describe, expect, test } from 'vitest'
import { CoreDriver } from '../support/core-driver.js'

const range = (length: number, from = 0): number[] => Array.from({ length }, (_, index) => from + index)
const workerOf = (driver: CoreDriver, requestId: string): string | undefined => {
  for (const worker of driver.core.books.attention.values()) {
    if (worker.running.some(sequence => sequence.requestId === requestId)) return worker.workerId
  }
  return undefined
}

describe('placement', () => {
  test('spreads strangers and follows a cached prefix', () => {
    const driver = new CoreDriver()
    driver.attention('a')
    driver.attention('b')
    driver.generate({ requestId: 'first', promptTokenIds: range(16), maxTokens: 1 })
    driver.generate({ requestId: 'stranger', promptTokenIds: range(16, 100), maxTokens: 1 })
    expect([workerOf(driver, 'first'), workerOf(driver, 'stranger')]).toEqual(['a', 'b'])
    driver.runDry()
    driver.generate({ requestId: 'like the second', promptTokenIds: [...range(16, 100), 1, 2], maxTokens: 1 })
    expect(workerOf(driver, 'like the second')).toBe('b')
    driver.runDry()
    expect(driver.result('like the second').numCachedTokens).toBe(16)
    expect(driver.result('first').numCachedTokens).toBe(0)
  })

  test('a fully cached prompt still computes its last token', () => {
    const driver = new CoreDriver()
    driver.attention('a')
    for (const requestId of ['once', 'twice']) {
      driver.generate({ requestId, promptTokenIds: range(16), maxTokens: 2 })
      driver.runDry()
    }
    expect(driver.result('twice').numCachedTokens).toBe(12)
    expect(driver.result('twice').tokenIds).toEqual(driver.result('once').tokenIds)
  })

  test('prompt logprobs are computed, not taken from the cache', () => {
    const driver = new CoreDriver()
    driver.attention('a')
    driver.generate({ requestId: 'plain', promptTokenIds: range(16), maxTokens: 1 })
    driver.runDry()
    driver.generate({ requestId: 'scored', promptTokenIds: range(16), maxTokens: 1, promptLogprobs: 0 })
    driver.runDry()
    expect(driver.result('scored')).toMatchObject({ numCachedTokens: 0, promptPositions: range(15, 1) })
  })

  test('respects maxNumSeqs and serves in order of arrival', () => {
    const driver = new CoreDriver({ maxNumSeqs: 1 })
    driver.attention('a')
    for (const requestId of ['r1', 'r2', 'r3']) driver.generate({ requestId, promptTokenIds: [1, 2], maxTokens: 2 })
    expect([...driver.core.books.waiting].map(({ requestId }) => requestId)).toEqual(['r2', 'r3'])
    driver.runDry()
    expect([...driver.received.keys()]).toEqual(['r1', 'r2', 'r3'])
  })

  test('a large request at the head is not overtaken by small ones', () => {
    const driver = new CoreDriver()
    driver.attention('a', { numKvBlocks: 10 })
    driver.generate({ requestId: 'running', promptTokenIds: range(20), maxTokens: 4 })
    driver.generate({ requestId: 'large', promptTokenIds: range(30, 50), maxTokens: 4 })
    driver.generate({ requestId: 'small', promptTokenIds: [1], maxTokens: 1 })
    expect([...driver.core.books.waiting].map(({ requestId }) => requestId)).toEqual(['large', 'small'])
    driver.runDry()
    expect(driver.result('small').finishReason).toBe('FINISH_REASON_LENGTH')
  })

  test('a request goes to a worker that can hold it to its end', () => {
    const driver = new CoreDriver()
    driver.attention('small', { numKvBlocks: 4 })
    driver.attention('large', { numKvBlocks: 32 })
    driver.generate({ requestId: 'r', promptTokenIds: [1], maxTokens: 40 })
    expect(workerOf(driver, 'r')).toBe('large')
  })

  test('keeps one block in a hundred free for the sequences that run already', () => {
    const driver = new CoreDriver()
    driver.attention('a', { numKvBlocks: 200, maxModelLen: 800 })
    driver.generate({ requestId: 'first', promptTokenIds: range(389), maxTokens: 4 })
    driver.generate({ requestId: 'fills the rest', promptTokenIds: range(404, 1000), maxTokens: 4 })
    expect(driver.core.books.waiting.size).toBe(1)
    const other = new CoreDriver()
    other.attention('a', { numKvBlocks: 200, maxModelLen: 800 })
    other.generate({ requestId: 'first', promptTokenIds: range(389), maxTokens: 4 })
    other.generate({ requestId: 'leaves two', promptTokenIds: range(400, 1000), maxTokens: 4 })
    expect(other.core.books.waiting.size).toBe(0)
  })
})
