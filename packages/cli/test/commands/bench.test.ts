import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { runBench } from '../../src/commands/bench.js'
import { startFakeOpenAiServer } from '../support/fake-openai-server.js'
import type { FakeOpenAiServer, Misbehaviour } from '../support/fake-openai-server.js'
import { memoryTerminal } from '../support/memory-terminal.js'
import { stopSwitch } from '../support/stop-switch.js'

let server: FakeOpenAiServer | undefined
afterEach(() => { server?.close() })

async function bench (misbehaviour: Misbehaviour, flags: Record<string, unknown> = {}) {
  server = await startFakeOpenAiServer(misbehaviour)
  const terminal = memoryTerminal()
  const context = { terminal, env: {}, onStopSignal: stopSwitch().onStopSignal }
  const given = { url: server.url, concurrency: 2, numRequests: 6, warmup: 1, promptTokens: 4, maxTokens: 3, ...flags }
  return { exitCode: await runBench(given, context), terminal, bodies: server.bodies }
}

test('measures, prints and writes JSON, without the warm-up', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-test-'))
  const output = join(folder, 'result.json')
  const { exitCode, terminal, bodies } = await bench('none', { output, ignoreEos: true, apiKey: 'secret' })
  expect(exitCode).toBe(0)
  expect(bodies).toHaveLength(7)
  expect(bodies[0]).toMatchObject({ model: 'fake-model', max_tokens: 3, ignore_eos: true, stream: true, temperature: 0 })
  expect(terminal.stdout()).toContain('requests      6 answered, 0 failed, 0 retries')
  expect(terminal.stdout()).toContain('output tokens 18 (counted from usage)')
  const text = readFileSync(output, 'utf8')
  expect(text).not.toContain('secret')
  expect(JSON.parse(text)).toMatchObject({
    server: { model: 'fake-model', endpoint: 'completions' },
    load: { concurrency: 2, numRequests: 6, promptTokens: 4 },
    machine: { node: process.version },
    results: { outputTokens: 18, promptTokens: 30, ttftMs: { count: 6 }, itlMs: { count: 12 } }
  })
  rmSync(folder, { recursive: true })
})

test('chat prompts are messages', async () => {
  const { bodies } = await bench('none', { endpoint: 'chat' })
  expect(bodies[0]).toMatchObject({ messages: [{ role: 'user', content: expect.stringMatching(/^\w+( \w+){3}$/) }] })
  expect(bodies[0]).not.toHaveProperty('ignore_eos')
})

test('a connection reset before the first byte is tried again and counted', async () => {
  const { exitCode, terminal } = await bench('reset_first', { warmup: 0 })
  expect(exitCode).toBe(0)
  expect(terminal.stdout()).toContain('6 answered, 0 failed, 2 retries')
})

test('tokens of a server without usage are counted from its events', async () => {
  const { terminal } = await bench('no_usage')
  expect(terminal.stdout()).toContain('output tokens 18 (counted from chunks)')
})

test('a cut stream is a failure, not a short answer', async () => {
  await expect(bench('cut_stream')).rejects.toMatchObject({ code: 'bench_failed' })
})

test('refusals fail with the server\'s words', async () => {
  await expect(bench('refuse')).rejects.toMatchObject({ message: 'every request failed: HTTP 429: busy' })
})

test('a file that cannot be written is refused before a request is sent', async () => {
  await expect(bench('none', { output: '/nowhere/result.json' })).rejects.toMatchObject({
    code: 'file_unwritable', message: 'cannot write /nowhere/result.json: no such file or directory'
  })
  expect(server!.bodies).toEqual([])
})

test('nobody there is one clear line', async () => {
  const context = { terminal: memoryTerminal(), env: {}, onStopSignal: stopSwitch().onStopSignal }
  const { url } = await startFakeOpenAiServer().then(async closing => { closing.close(); return closing })
  await expect(runBench({ url }, context)).rejects.toMatchObject({ code: 'bench_unreachable', message: `cannot reach ${url}: ECONNREFUSED` })
})
