import { afterEach, expect, test } from 'vitest'
import type { RequestRecord } from '@tandem/cli'
import { runWave, summarizeWave } from '../../src/load/wave.js'
import { decodeWorkload, prefillWorkload } from '../../src/load/workload.js'
import { startFakeOpenAiServer } from '../../../cli/test/support/fake-openai-server.js'
import type { FakeOpenAiServer, Misbehaviour } from '../../../cli/test/support/fake-openai-server.js'

let fake: FakeOpenAiServer | undefined
afterEach(() => { fake?.close() })

const never = new AbortController().signal

async function wave (misbehaviour: Misbehaviour, maxTokens = 3, signal = never) {
  fake = await startFakeOpenAiServer(misbehaviour, 3)
  const server = { name: 'fake', url: fake.url, model: 'fake-model', facts: {}, stop: async () => {} }
  return await runWave(server, decodeWorkload(2, 4, maxTokens), ['one', 'two'], signal)
}

test('all users are answered, and tokens are what usage says', async () => {
  const result = await wave('none')
  expect(result).toMatchObject({ numTokens: 6, numRetries: 0, errors: [] })
  expect(result.ttftMs).toHaveLength(2)
  expect(result.itlMs).toHaveLength(4)
  expect(fake?.bodies.map(body => body['prompt']).sort()).toEqual(['one', 'two'])
  expect(fake?.bodies[0]).toMatchObject({
    model: 'fake-model', max_tokens: 3, temperature: 0, ignore_eos: true, stream: true, stream_options: { include_usage: true }
  })
})

test('reset connections are tried again; refusals and servers without usage are failures', async () => {
  expect(await wave('reset_first')).toMatchObject({ numTokens: 6, numRetries: 2, errors: [] })
  fake?.close()
  expect(await wave('refuse')).toMatchObject({ numTokens: 0, errors: ['HTTP 429: busy', 'HTTP 429: busy'] })
  fake?.close()
  expect((await wave('no_usage')).errors).toEqual(['the server reports no usage', 'the server reports no usage'])
})

test('answers that end early are failures, and their tokens count', async () => {
  const early = 'the answer ended early: ignore_eos is not honoured'
  expect(await wave('none', 4)).toMatchObject({ numTokens: 6, errors: [early, early] })
})

test('an interrupted wave is no result', async () => {
  await expect(wave('none', 3, AbortSignal.abort(new Error('interrupted')))).rejects.toThrow('interrupted')
})

function record (fields: Partial<RequestRecord>): RequestRecord {
  return { startMs: 0, endMs: 100, textTimesMs: [], promptTokens: 512, usageTokens: 1, error: undefined, numRetries: 0, ...fields }
}

test('a prefill counts prompts, from the first request sent to the last answer, even when its token is no text', () => {
  const records = [record({ startMs: 10, endMs: 60, textTimesMs: [50] }), record({ startMs: 12, endMs: 110 })]
  expect(summarizeWave(records, prefillWorkload(2, 512))).toEqual({
    numTokens: 1024, durationMs: 100, ttftMs: [40, 98], itlMs: [], numRetries: 0, errors: []
  })
})

test('failed requests take time and give no tokens', () => {
  const records = [record({ usageTokens: 96, textTimesMs: [10, 30] }), record({ endMs: 200, error: 'ECONNRESET' })]
  expect(summarizeWave(records, decodeWorkload(2, 4, 96))).toMatchObject({ numTokens: 96, durationMs: 200, ttftMs: [10], itlMs: [20], errors: ['ECONNRESET'] })
})
