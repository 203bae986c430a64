import { expect, test } from 'vitest'
import { distributionOf, summarize } from '../../src/bench/statistics.js'
import type { RequestRecord } from '../../src/bench/streaming-request.js'

const record = (changes: Partial<RequestRecord>): RequestRecord => ({
  startMs: 0, endMs: 100, textTimesMs: [40, 50, 100], promptTokens: 10, usageTokens: 3, error: undefined, numRetries: 0, ...changes
})

test('figures of two requests', () => {
  const summary = summarize([record({}), record({ startMs: 100, endMs: 500, textTimesMs: [200, 500], usageTokens: 5 })])
  expect(summary).toMatchObject({
    durationS: 0.5, numRequests: 2, numFailed: 0, outputTokens: 8, promptTokens: 20, tokensCountedFrom: 'usage',
    requestsPerSecond: 4, outputTokensPerSecond: 16, totalTokensPerSecond: 56
  })
  expect(summary.ttftMs).toMatchObject({ count: 2, mean: 70, p50: 40, p99: 100 })
  expect(summary.itlMs).toMatchObject({ count: 3, max: 300 })
  expect(summary.tpotMs).toMatchObject({ p50: 30, max: 75 })
  expect(summary.e2eMs).toMatchObject({ p50: 100, max: 400 })
})

test('a server without usage is counted by its events, and says so', () => {
  expect(summarize([record({}), record({ usageTokens: undefined })])).toMatchObject({ outputTokens: 6, tokensCountedFrom: 'chunks' })
})

test('failures count by reason and add no tokens', () => {
  const summary = summarize([record({ error: 'HTTP 429: busy' }), record({ textTimesMs: [], usageTokens: 0 }), record({ numRetries: 2 })])
  expect(summary).toMatchObject({ numFailed: 2, numRetries: 2, outputTokens: 3, errors: { 'HTTP 429: busy': 1, 'no text came': 1 } })
})

test('percentiles by nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, idx) => 100 - idx)
  expect(distributionOf(values)).toEqual({ count: 100, mean: 50.5, p50: 50, p95: 95, p99: 99, max: 100 })
  expect(distributionOf([])).toEqual({ count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 })
})
