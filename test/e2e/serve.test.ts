// `tandem up` with the shipped model, real processes and the real OpenAI client; workers are killed while they stream.
import { fileURLToPath } from 'node:url'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, runTandem, startTandem, whatRuns } from '../support/tandem-process.js'
import type { TandemProcess } from '../support/tandem-process.js'

interface WorkerJson { worker_id: string, role: string, state: string, pid: number, stats: { weight_bytes: number, rss_bytes: number } }
interface ClusterJson { workers: WorkerJson[], epoch: number }

const tokenless = fileURLToPath(new URL('../golden/models/gguf-llama/model.gguf', import.meta.url))
let port: number
let tandem: TandemProcess
let openai: OpenAI
let model: string

const base = (): string => `http://127.0.0.1:${port}`
const cluster = async (): Promise<ClusterJson> => await (await fetch(`${base()}/admin/v1/cluster`)).json() as ClusterJson

beforeAll(async () => {
  port = await freePort()
  tandem = startTandem(['up', '--port', String(port), '--attention', '1', '--ffn', '2', '--kv-cache-bytes', String(64 * 1024 * 1024)])
  await tandem.printed('Ctrl-C stops everything')
  openai = new OpenAI({ baseURL: `${base()}/v1`, apiKey: 'unused', maxRetries: 0 })
  model = (await openai.models.list()).data[0]!.id
})

afterAll(async () => {
  tandem.signal('SIGTERM')
  await tandem.exited
})

describe('a running cluster', () => {
  it('answers a chat request', async () => {
    const completion = await openai.chat.completions.create({ model, max_tokens: 12, messages: [{ role: 'user', content: 'Say hello.' }] })
    expect(completion.choices[0]?.message.content).toMatch(/\w/)
    expect(completion.choices[0]?.finish_reason).toMatch(/stop|length/)
    expect(completion.usage?.completion_tokens).toBeGreaterThan(0)
  })

  it('knows what the model knows', async () => {
    // The next token has 77 % in float32, the runner-up 6 %: rounding of activations cannot change it.
    const completion = await openai.completions.create({ model, prompt: 'The capital of France is', max_tokens: 1, temperature: 0 })
    expect(completion.choices[0]?.text).toBe(' Paris')
  })

  it('works with the request it prints', async () => {
    const body = /-d '(.*)'/.exec(tandem.output)?.[1]
    const url = /curl (\S+)/.exec(tandem.output)?.[1]
    const response = await fetch(url!, { method: 'POST', headers: { 'content-type': 'application/json' }, body: body! })
    expect(response.status).toBe(200)
  })

  it('holds each half of the weights in another process', async () => {
    const { workers } = await cluster()
    expect(workers.map(worker => worker.role).sort()).toEqual(['attention', 'ffn', 'ffn'])
    expect(new Set(workers.map(worker => worker.pid)).size).toBe(3)
    const bytes = (role: string): number => workers.filter(worker => worker.role === role).reduce((sum, worker) => sum + worker.stats.weight_bytes, 0)
    // 30 layers x 3 x 576 x 1536 values in Q4_1 (20 bytes for 32 values).
    expect(bytes('ffn')).toBeGreaterThanOrEqual(30 * 3 * 576 * 1536 / 32 * 20)
    expect(bytes('ffn')).toBeLessThan(30 * 3 * 576 * 1536 / 32 * 20 * 1.3)
    expect(bytes('attention')).toBeGreaterThan(0)
  })

  it.each(['ffn', 'attention'])('goes on streaming the same text when a %s worker is killed', async role => {
    const request = { model, prompt: 'Once upon a time', max_tokens: 40, temperature: 0 }
    const undisturbed = (await openai.completions.create(request)).choices[0]!.text
    const stream = await openai.completions.create({ ...request, stream: true })
    let text = ''
    let killed: number | undefined
    for await (const chunk of stream) {
      text += chunk.choices[0]?.text ?? ''
      if (killed !== undefined || text.length < 20) continue
      killed = (await cluster()).workers.find(worker => worker.role === role)!.pid
      process.kill(killed, 'SIGKILL')
    }
    expect(killed).toBeDefined()
    expect(text).toBe(undisturbed)
  })

  it('scales both pools while it serves', async () => {
    const stream = await openai.completions.create({ model, prompt: 'One two three', max_tokens: 60, temperature: 0, stream: true })
    const scaled = runTandem(['scale', 'attention=2', 'ffn=1', '--port', String(port)])
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.text ?? ''
    const { exitCode, output } = await scaled
    expect(exitCode, output).toBe(0)
    const count = (workers: WorkerJson[]): string => workers.filter(worker => worker.state === 'ready').map(worker => worker.role).sort().join(' ')
    await expect.poll(async () => count((await cluster()).workers), { timeout: 60_000 }).toBe('attention attention ffn')
    expect((await openai.completions.create({ model, prompt: 'One two three', max_tokens: 60, temperature: 0 })).choices[0]!.text).toBe(text)
  })

  it('shows itself with tandem status', async () => {
    const { exitCode, output } = await runTandem(['status', '--port', String(port)])
    expect(exitCode).toBe(0)
    expect(output).toMatch(/attention/)
    const json = await runTandem(['status', '--json', '--port', String(port)])
    expect(JSON.parse(json.output)).toHaveProperty('workers')
  })

  it('measures itself with tandem bench', async () => {
    const { exitCode, output } = await runTandem(['bench', '--url', base(), '--concurrency', '2', '--max-tokens', '4', '--num-requests', '4', '--warmup', '0'])
    expect(exitCode, output).toBe(0)
    expect(output).toMatch(/TTFT/)
  })
})

describe('stopping', () => {
  it('ends every process on Ctrl-C', async () => {
    const ownPort = await freePort()
    const second = startTandem(['up', '--port', String(ownPort), '--kv-cache-bytes', String(16 * 1024 * 1024)])
    await second.printed('Ctrl-C stops everything')
    const { workers } = await (await fetch(`http://127.0.0.1:${ownPort}/admin/v1/cluster`)).json() as ClusterJson
    second.signal('SIGINT')
    const { exitCode, output } = await second.exited
    expect(exitCode, output).toBe(0)
    await expect.poll(() => workers.map(({ pid }) => whatRuns(pid)), { timeout: 5_000 }).toEqual(workers.map(() => undefined))
    await expect(fetch(`http://127.0.0.1:${ownPort}/health`)).rejects.toThrow()
  })
})

describe('clusters next to each other', () => {
  it('start at the same moment, keep to themselves, and take no strangers', async () => {
    const ports = [await freePort(), await freePort()]
    const both = ports.map(ownPort => startTandem(['up', '--port', String(ownPort), '--kv-cache-bytes', String(16 * 1024 * 1024)]))
    await Promise.all(both.map(one => one.printed('Ctrl-C stops everything')))
    const pids = await Promise.all(ports.map(async ownPort => {
      const { workers } = await (await fetch(`http://127.0.0.1:${ownPort}/admin/v1/cluster`)).json() as ClusterJson
      expect(workers.map(worker => worker.role).sort()).toEqual(['attention', 'ffn'])
      return workers.map(worker => worker.pid)
    }))
    expect(new Set(pids.flat()).size).toBe(4)

    const status = await runTandem(['status', '--json', '--port', String(ports[0])])
    expect(JSON.parse(status.output)).toHaveProperty('workers')
    const stranger = await runTandem(['status', '--port', String(ports[0])], { TANDEM_CLUSTER_TOKEN: 'guessed' })
    expect(stranger.exitCode, stranger.output).not.toBe(0)
    expect(stranger.output).toMatch(/token/)
    for (const one of both) one.signal('SIGINT')
    for (const one of both) expect((await one.exited).exitCode).toBe(0)
  })
})

describe('bad usage is one clear line', () => {
  it.each([
    [['up', '--prot', '1'], 2, /--prot/],
    [['up', '--attention', 'two'], 2, /--attention/],
    [['up', '--model', '/nowhere/model.gguf'], 1, /\/nowhere\/model\.gguf/],
    [['up', '--model', tokenless], 1, /no tokenizer in .*model\.gguf/],
    [['nonsense'], 2, /nonsense/]
  ])('tandem %j', async (args, code, message) => {
    const { exitCode, output } = await runTandem(args)
    expect(output).toMatch(message)
    expect(output.trim().split('\n').length).toBeLessThanOrEqual(2)
    expect(exitCode).not.toBe(0)
    if (code === 2) expect(exitCode).toBe(2)
  })

  it('a busy port', async () => {
    const { exitCode, output } = await runTandem(['up', '--port', String(port)])
    expect(exitCode).not.toBe(0)
    expect(output).toContain(String(port))
    expect(output.trim().split('\n').length).toBe(1)
  })
})
