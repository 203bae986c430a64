import { expect, test } from 'vitest'
import { errorLines, latencyTable, ratiosOf, speedTable } from '../../src/load/report.js'
import type { Comparison } from '../../src/load/report.js'
import { measurementOf } from '../../src/load/rounds.js'
import { decodeWorkload, prefillWorkload } from '../../src/load/workload.js'

const round = (numTokens: number, errors: string[] = [], itlMs: number[] = [2, 4]) =>
  [{ numTokens, durationMs: 1000, ttftMs: [10], itlMs, numRetries: 0, errors }]

const comparison: Comparison = {
  workloads: [decodeWorkload(8, 4, 96), prefillWorkload(4, 512)],
  servers: [{ name: 'tandem' }, { name: 'llama' }],
  measurements: {
    decode_8: { tandem: measurementOf([round(400), round(420), round(380)]), llama: measurementOf([round(200), round(190), round(210)]) },
    prefill: { tandem: measurementOf([round(1000, [], [])]), llama: measurementOf([round(0, ['HTTP 400: too long'], [])]) }
  }
}

test('figures stand side by side with their ranges, ratios after them', () => {
  expect(speedTable(comparison, { openvino: { decode_8: 160 } }).split('\n')).toEqual([
    'tokens/s, median (range)  tandem            llama          openvino  tandem / llama  tandem / openvino',
    'decode, 8 users           400 (380-420)     200 (190-210)  160       2.00x           2.50x',
    'prefill, 4 x 512          1000 (1000-1000)  0.0 (0.0-0.0)  -         -               -',
    ''
  ])
})

test('latencies have no gaps where there was one token', () => {
  expect(latencyTable(comparison).split('\n')).toEqual([
    'ms                        TTFT p50  p95    ITL p50  p95',
    'decode, 8 users   tandem  10.00     10.00  2.00     4.00',
    'decode, 8 users   llama   10.00     10.00  2.00     4.00',
    'prefill, 4 x 512  tandem  10.00     10.00',
    'prefill, 4 x 512  llama   10.00     10.00',
    ''
  ])
})

test('failures are said with the server\'s words', () => {
  expect(errorLines(comparison)).toBe('llama, prefill, 4 x 512: 1 failed: HTTP 400: too long\n')
  expect(errorLines({ ...comparison, workloads: [comparison.workloads[0]!] })).toBe('')
})

test('ratios say how many times as fast the first is', () => {
  expect(ratiosOf({ tandem: 300, llama: 200, idle: 0, absent: undefined }, 'tandem')).toEqual({ llama: 1.5 })
  expect(ratiosOf({ llama: 200 }, 'tandem')).toEqual({})
})
