import { describe, expect, it } from 'vitest'
import { reportText } from '../../src/bench/report.js'
import type { BenchReport } from '../../src/bench/report.js'
import { summarize } from '../../src/bench/statistics.js'
import type { RequestRecord } from '../../src/bench/streaming-request.js'

const answered: RequestRecord = { startMs: 0, endMs: 40, textTimesMs: [10, 20, 40], promptTokens: 5, usageTokens: 3, error: undefined, numRetries: 0 }
const failed: RequestRecord = { ...answered, textTimesMs: [], usageTokens: undefined, error: 'HTTP 429: busy' }

function textOf (records: readonly RequestRecord[], load: Record<string, unknown> = {}): string {
  const report: BenchReport = {
    machine: { cpu: 'CPU', numCores: 2, memoryBytes: 8e9, platform: 'linux x64', node: 'v20' },
    commit: undefined,
    startedAt: '2026-01-01T00:00:00.000Z',
    server: { url: 'http://h', model: 'm', endpoint: 'completions' },
    load: { rate: 0, concurrency: 1, promptTokens: 5, promptIds: false, maxTokens: 3, ...load },
    interrupted: false,
    benchCpuShare: 0.05,
    results: summarize(records)
  }
  return reportText(report)
}

describe('the report of tandem bench', () => {
  it('has the load, the counts and a row per latency', () => {
    expect(textOf([answered])).toBe(`m at http://h (completions), 1 user, prompts of about 5 tokens, 3 output tokens at most
CPU, 2 cores, 8.0 GB, Node v20

requests      1 answered, 0 failed, 0 retries, 25.00 per second
output tokens 3 (counted from usage), 75.0 per second
all tokens    8, 200.0 per second
time          0.0 s; this load generator took 5.0% of a core

ms    mean   p50    p95    p99    max
TTFT  10.00  10.00  10.00  10.00  10.00
ITL   15.00  10.00  20.00  20.00  20.00
TPOT  15.00  15.00  15.00  15.00  15.00
E2E   40.00  40.00  40.00  40.00  40.00
`)
  })

  it.each([
    [{ rate: 2.5 }, '2.5 requests/s, prompts of about 5 tokens'],
    [{ concurrency: 8, promptIds: true }, '8 users, prompts of 5 tokens'],
    [{ promptFile: 'p.txt' }, '1 user, prompts of p.txt']
  ])('describes the load %j', (load, expected) => {
    expect(textOf([answered], load)).toContain(`(completions), ${expected}, `)
  })

  it('claims no latency that was not measured', () => {
    expect(textOf([{ ...answered, textTimesMs: [10], usageTokens: 1 }])).toMatch(/^ITL +- +- +- +- +-$/m)
    expect(textOf([answered, failed])).toMatch(/^E2E.*\nerror \(1x\): HTTP 429: busy\n$/m)
  })

  it('shows only the errors when nothing was answered', () => {
    expect(textOf([failed, failed])).toMatch(/requests +0 answered, 2 failed, .*\nerror \(2x\): HTTP 429: busy\n$/)
    expect(textOf([failed])).not.toMatch(/TTFT|output tokens +\d/)
  })
})
