// One bad request must not take others down, whether workers refuse its plans or die of them.
import { expect, test } from 'vitest'
import { CoreDriver } from '../support/core-driver.js'
import { REFUSED_TOKEN_ID } from '../support/fake-engine.js'
import { expectedOutput } from '../support/fake-model.js'

const range = (length: number, from = 0): number[] => Array.from({ length }, (_, index) => from + index)

test('a request whose plans are refused ends; those that shared a plan with it lose nothing', () => {
  const driver = new CoreDriver({ stepRetryMs: 5, maxNumBatchedTokens: 64 })
  driver.generate({ requestId: 'before', promptTokenIds: range(6), maxTokens: 9 })
  driver.generate({ requestId: 'bad', promptTokenIds: [1, REFUSED_TOKEN_ID], maxTokens: 9 })
  driver.generate({ requestId: 'after', promptTokenIds: range(6, 3), maxTokens: 9 })
  driver.attention('a')
  expect(driver.plans.get('a')![0]!.scheduled).toHaveLength(3)
  for (let turn = 0; turn < 10; turn++) { driver.runDry(); driver.tick(10) }
  expect(driver.result('bad')).toMatchObject({ tokenIds: [], finishReason: 'FINISH_REASON_ERROR', errorCode: 'request_refused' })
  expect(driver.result('before').tokenIds).toEqual(expectedOutput(range(6), 9, 0, []).tokenIds)
  expect(driver.result('after').tokenIds).toEqual(expectedOutput(range(6, 3), 9, 0, []).tokenIds)
  expect(driver.nowMs).toBeLessThan(200)
})

test('a request that kills workers is isolated, then ended; its neighbours live', () => {
  const driver = new CoreDriver()
  driver.attention('w0')
  driver.generate({ requestId: 'deadly', promptTokenIds: [13, 13], maxTokens: 5 })
  driver.generate({ requestId: 'mild', promptTokenIds: range(6), maxTokens: 5 })
  let numWorkers = 1
  for (let turn = 0; turn < 50 && driver.result('mild').finishReason === undefined; turn++) {
    const [worker] = driver.core.books.attention.values()
    const { workerId, inFlight } = worker!
    const lines = [...inFlight[0]?.lines.values() ?? []]
    if (lines.some(({ sequence }) => sequence.requestId === 'deadly' && sequence.status === 'running')) {
      driver.lose(workerId)
      driver.attention(`w${numWorkers++}`)
    } else driver.step(workerId)
  }
  expect(driver.result('deadly')).toMatchObject({ errorCode: 'request_deadly' })
  expect(driver.result('mild').tokenIds).toEqual(expectedOutput(range(6), 5, 0, []).tokenIds)
  expect(numWorkers).toBe(5)
})

test('deaths that are no fault of a request never end it while it makes progress', () => {
  const driver = new CoreDriver()
  driver.attention('w0')
  driver.generate({ requestId: 'r', promptTokenIds: range(6), maxTokens: 20 })
  for (let turn = 0; turn < 12; turn++) {
    driver.step(`w${turn}`)
    driver.lose(`w${turn}`)
    driver.attention(`w${turn + 1}`)
  }
  driver.runDry()
  expect(driver.result('r').tokenIds).toEqual(expectedOutput(range(6), 20, 0, []).tokenIds)
})
