import { beforeEach, describe, expect, test } from 'vitest'
import { CoreDriver, GATEWAY } from '../support/core-driver.js'

let driver: CoreDriver
const range = (length: number): number[] => Array.from({ length }, (_, index) => index)
const errorOf = (requestId: string): unknown => {
  const { finishReason, errorCode, errorParam } = driver.result(requestId)
  return { finishReason, errorCode, errorParam }
}

describe('admission', () => {
  beforeEach(() => {
    driver = new CoreDriver({ maxWaiting: 2 })
    // 10 blocks of 4 tokens: 40 tokens fit, though the model would take 128.
    driver.attention('a', { numKvBlocks: 10 })
  })

  test.each([
    ['prompt_empty', 'prompt', 0, 4],
    ['prompt_too_long', 'prompt', 40, 1],
    ['max_tokens_invalid', 'max_tokens', 3, 0],
    ['max_tokens_too_large', 'max_tokens', 30, 11]
  ])('%s names %s', (errorCode, errorParam, numPromptTokens, maxTokens) => {
    driver.generate({ requestId: 'r', promptTokenIds: range(numPromptTokens), maxTokens })
    expect(errorOf('r')).toEqual({ finishReason: 'FINISH_REASON_ERROR', errorCode, errorParam })
    expect(driver.core.books.counters).toMatchObject({ numRequests: 1, numRejected: 1 })
  })

  test('what exactly fits runs to its end, and the serving state says how much that is', () => {
    expect(driver.core.servingState.maxModelLen).toBe(40)
    driver.generate({ requestId: 'r', promptTokenIds: range(30), maxTokens: 10 })
    driver.runDry()
    expect(driver.result('r').tokenIds).toHaveLength(10)
  })

  test('a full queue answers overloaded', () => {
    driver.lose('a')
    for (const requestId of ['r1', 'r2', 'r3']) driver.generate({ requestId, promptTokenIds: [1] })
    expect(errorOf('r3')).toEqual({ finishReason: 'FINISH_REASON_ERROR', errorCode: 'overloaded', errorParam: undefined })
    expect(driver.core.books.waiting.size).toBe(2)
  })

  test('a request_id in use is refused without touching the request that has it', () => {
    driver.generate({ requestId: 'r', promptTokenIds: [1, 2] })
    const actions = driver.core
    actions.handle({
      type: 'generate',
      gatewayId: GATEWAY,
      request: { requestId: 'r', promptTokenIds: [3], maxTokens: 1, sampling: driver.core.books.gateways.get(GATEWAY)!.get('r')!.sampling, outputTokenIds: [] }
    }, 0)
    const [event] = actions.flush(0).flatMap(action => action.type === 'events' ? action.events : [])
    expect(event).toMatchObject({ requestId: 'r', error: { code: 'request_in_use' } })
    driver.runDry()
    expect(driver.result('r').tokenIds).toHaveLength(4)
  })

  test('a re-attached request goes on after what the gateway holds', () => {
    driver.generate({ requestId: 'whole', promptTokenIds: [1, 2], maxTokens: 6 })
    driver.runDry()
    const { tokenIds } = driver.result('whole')
    driver.generate({ requestId: 'rest', promptTokenIds: [1, 2], maxTokens: 6, outputTokenIds: tokenIds.slice(0, 2) })
    driver.generate({ requestId: 'nothing left', promptTokenIds: [1, 2], maxTokens: 6, outputTokenIds: tokenIds })
    driver.runDry()
    expect(driver.result('rest').tokenIds).toEqual(tokenIds.slice(2))
    expect(driver.result('nothing left')).toMatchObject({ tokenIds: [], finishReason: 'FINISH_REASON_LENGTH' })
  })

  test('a request that waited for workers is refused when none of them could ever run it', () => {
    driver.lose('a')
    driver.generate({ requestId: 'r', promptTokenIds: range(30), maxTokens: 4 })
    driver.attention('small', { numKvBlocks: 4 })
    expect(errorOf('r')).toMatchObject({ errorCode: 'prompt_too_long', errorParam: 'prompt' })
  })
})
