import { afterAll, beforeAll, expect, test } from 'vitest'
import { measurementOf, measureRounds, progressBar, rotated, tokensPerSecond } from '../../src/load/rounds.js'
import type { WaveResult } from '../../src/load/wave.js'
import { decodeWorkload, prefillWorkload } from '../../src/load/workload.js'
import { startFakeOpenAiServer } from '../../../cli/test/support/fake-openai-server.js'
import type { FakeOpenAiServer } from '../../../cli/test/support/fake-openai-server.js'

let fakes: FakeOpenAiServer[] = []
beforeAll(async () => { fakes = [await startFakeOpenAiServer('none', 3), await startFakeOpenAiServer('none', 3)] })
afterAll(() => { for (const fake of fakes) fake.close() })

function wave (numTokens: number, durationMs: number, errors: string[] = []): WaveResult {
  return { numTokens, durationMs, ttftMs: [1], itlMs: [2, 4], numRetries: 1, errors }
}

test('servers take turns, and another begins each round', async () => {
  const servers = ['a', 'b'].map((name, idx) => ({ name, url: fakes[idx]!.url, model: 'fake-model', facts: {}, stop: async () => {} }))
  const workloads = [decodeWorkload(2, 4, 3), prefillWorkload(1, 16)]
  const turns: string[] = []
  const progress: string[] = []
  const measurements = await measureRounds({
    servers,
    workloads,
    warmupS: 1e-6,
    numRounds: 2,
    seed: 1,
    signal: new AbortController().signal,
    onProgress: text => progress.push(text),
    around: async (server, workload, turn) => {
      turns.push(`${workload.name} ${server.name}`)
      return await turn()
    },
    atHalf: async () => { turns.push('half') }
  })
  expect(turns).toEqual([
    'decode_2 a', 'decode_2 b', 'prefill a', 'prefill b', 'half', 'decode_2 b', 'decode_2 a', 'prefill b', 'prefill a'
  ])
  expect(progress.slice(0, 3)).toEqual(['warming up a', 'warming up b', '[....................] round 1 of 2: decode, 2 users, a'])
  expect(measurements['decode_2']?.['a']).toMatchObject({ ttftMs: { count: 8 }, errors: {} })
  expect(measurements['prefill']?.['b']?.tokensPerSecond.rounds).toHaveLength(2)
  // 2 users twice in a round, one prefill; a warm-up of any length is one round at least, sent and not counted.
  expect(fakes[0]!.bodies).toHaveLength(3 * (2 * 2 + 1))
  const promptsOf = (fake: FakeOpenAiServer) => fake.bodies.map(body => String(body['prompt'])).sort()
  expect(promptsOf(fakes[0]!)).toEqual(promptsOf(fakes[1]!))
})

test('a round is one figure over its waves', () => {
  expect(tokensPerSecond([wave(100, 500), wave(100, 1500)])).toBe(100)
  expect(tokensPerSecond([])).toBe(0)
  const measurement = measurementOf([[wave(100, 1000), wave(100, 1000)], [wave(300, 1000)], [wave(200, 1000, ['busy', 'busy'])]])
  expect(measurement).toMatchObject({
    tokensPerSecond: { median: 200, min: 100, max: 300, rounds: [100, 300, 200] },
    ttftMs: { count: 4, p50: 1 },
    itlMs: { count: 8, p50: 2, p95: 4 },
    numRetries: 4,
    errors: { busy: 2 }
  })
})

test('rotation and the bar', () => {
  expect(rotated([1, 2, 3], 4)).toEqual([2, 3, 1])
  expect(rotated([], 4)).toEqual([])
  expect(progressBar(0.5)).toBe('[##########..........]')
})
