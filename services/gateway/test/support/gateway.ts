// The app on a free port with a tiny tokenizer and a fake scheduler.
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createSchedulerClient } from '@tandem/protocol'
import { loadTokenizer } from '@tandem/tokenizer'
import type { Tokenizer } from '@tandem/tokenizer'
import OpenAI from 'openai'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { buildApp } from '../../src/app.js'
import type { App } from '../../src/app.js'
import type { GatewayDependencies } from '../../src/dependencies.js'
import { createMetrics } from '../../src/metrics/metrics.js'
import type { GatewayMetrics } from '../../src/metrics/metrics.js'
import { SchedulerLink } from '../../src/scheduler/scheduler-link.js'
import { FakeScheduler } from './fake-scheduler.js'
import type { Script } from './fake-scheduler.js'

export const tinyDirectory = fileURLToPath(new URL('../../../../packages/tokenizer/test/golden/smollm', import.meta.url))
/** <|im_end|> of the tiny tokenizer. */
export const EOS = 2

export interface TestGateway {
  readonly app: App
  readonly url: string
  readonly scheduler: FakeScheduler
  readonly tokenizer: Tokenizer
  readonly link: SchedulerLink
  readonly openai: OpenAI
  readonly metrics: GatewayMetrics
  post (path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  encode (text: string): number[]
}

export interface TestGatewayOptions {
  readonly options?: Partial<GatewayDependencies['options']>
  readonly reattachTimeoutMs?: number
  readonly tokenizer?: Tokenizer
  /** By default the tokenizer's. */
  readonly vocabSize?: number
  /** Who closes it; by default the running test. */
  readonly onEnd?: (end: () => Promise<void>) => void
}

export async function startTestGateway (script: Script, settings: TestGatewayOptions = {}): Promise<TestGateway> {
  const scheduler = new FakeScheduler(script)
  const port = await scheduler.listen()
  const tokenizer = settings.tokenizer ?? await loadTokenizer({ kind: 'hf', directory: tinyDirectory })
  const client = createSchedulerClient(`127.0.0.1:${port}`, '')
  const logger = pino({ level: 'silent' })
  const metrics = createMetrics({ processMetrics: false })
  const link = new SchedulerLink(client, {
    reattachTimeoutMs: settings.reattachTimeoutMs ?? 20_000, modelFingerprint: 'f00d', logger, retryMinMs: 10, retryMaxMs: 50
  })
  const app = await buildApp({
    options: { apiKey: '', maxBodyBytes: 64 * 1024, maxChoices: 8, maxInFlight: 100, maxBufferedBytes: 64 * 1024, ...settings.options },
    logger,
    model: { name: 'tiny', vocabSize: settings.vocabSize ?? tokenizer.numIds, eosTokenIds: [EOS] },
    tokenizer,
    link,
    scheduler: client,
    metrics,
    nowMs: () => performance.now(),
    now: () => new Date(1_700_000_000_000)
  })
  link.start()
  await untilReady(link)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const onEnd = settings.onEnd ?? onTestFinished
  onEnd(async () => {
    link.close()
    app.server.closeAllConnections()
    await app.close()
    client.close()
    await scheduler.close()
  })
  return {
    app,
    url,
    scheduler,
    tokenizer,
    link,
    metrics,
    openai: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 }),
    post: (path, body, headers = {}) => fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body)
    }),
    encode: text => tokenizer.encode(text, { addSpecialTokens: false })
  }
}

export async function untilReady (link: SchedulerLink): Promise<void> {
  while (!link.state.ready) await new Promise(resolve => setImmediate(resolve))
}

/** A script that says `text` token by token, one event each, and then ends. */
export function sayer (text: string, encode: () => (text: string) => number[]): Script {
  return ({ requestId, maxTokens }, scheduler) => {
    const tokenIds = encode()(text).slice(0, maxTokens)
    tokenIds.forEach((tokenId, i) => {
      const last = i === maxTokens - 1
      scheduler.tokens(requestId, [tokenId], last ? { finishReason: 'FINISH_REASON_LENGTH' } : {})
    })
    if (tokenIds.length < maxTokens) scheduler.tokens(requestId, [EOS], { finishReason: 'FINISH_REASON_STOP' })
  }
}
