// What happens between client, gateway and scheduler when one of them behaves badly.
import { request as httpRequest } from 'node:http'
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.js'
import type { TestGateway } from '../support/gateway.js'

const prompt = { model: 'tiny', prompt: 'Once', max_tokens: 50 }

describe('a client that leaves', () => {
  it.each([['streaming, after tokens', true, true], ['streaming, before tokens', true, false], ['not streaming', false, true]])(
    'has its sequences aborted at once: %s', async (_, stream, withToken) => {
      const gateway: TestGateway = await startTestGateway(({ requestId }, scheduler) => {
        if (withToken) scheduler.tokens(requestId, gateway.encode('a'))
      })
      const controller = new AbortController()
      const arrived = gateway.scheduler.nextGenerate()
      const aborted = gateway.scheduler.nextAbort()
      const response = fetch(`${gateway.url}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...prompt, stream }),
        signal: controller.signal
      }).then(value => value.text()).catch(() => 'gone')
      const { requestId } = await arrived
      if (withToken) while (gateway.link.numLive === 0) await new Promise(resolve => setImmediate(resolve))
      controller.abort()
      expect(await aborted).toBe(requestId)
      expect(await response).toBe('gone')
      expect(gateway.link.numLive).toBe(0)
      expect(await (await fetch(`${gateway.url}/metrics`)).text()).toContain('outcome="client_gone"} 1')
    })

  it('has all choices aborted', async () => {
    const gateway = await startTestGateway(() => {})
    const controller = new AbortController()
    const response = gateway.openai.completions.create({ ...prompt, n: 3 }, { signal: controller.signal }).catch(() => undefined)
    while (gateway.scheduler.received.length < 3) await new Promise(resolve => setImmediate(resolve))
    controller.abort()
    while (gateway.scheduler.aborted.length < 3) await new Promise(resolve => setImmediate(resolve))
    expect([...gateway.scheduler.aborted].sort()).toEqual(gateway.scheduler.received.map(({ requestId }) => requestId).sort())
    await response
  })
})

const numTaken = async ({ metrics }: TestGateway): Promise<number> => (await metrics.outputTokens.get()).values[0]?.value ?? 0

describe('a client that does not read', () => {
  it('is cut off when its buffer is full', async () => {
    const gateway = await startTestGateway(() => {}, { options: { maxBufferedBytes: 64 * 1024 } })
    const arrived = gateway.scheduler.nextGenerate()
    const request = httpRequest(`${gateway.url}/v1/completions`, { method: 'POST', headers: { 'content-type': 'application/json' } })
    request.on('error', () => {})
    request.on('response', response => response.pause().on('error', () => {}))
    request.end(JSON.stringify({ ...prompt, max_tokens: 500, stream: true }))
    const { requestId } = await arrived
    const aborted = gateway.scheduler.nextAbort()
    // Long events (a control character is six bytes of JSON), as the kernel buffers megabytes first.
    const tokens = gateway.encode('\u0001'.repeat(4000))
    const { aborted: abortedIds } = gateway.scheduler
    for (let numSent = tokens.length; abortedIds.length === 0; numSent += tokens.length) {
      gateway.scheduler.tokens(requestId, tokens)
      while (abortedIds.length === 0 && await numTaken(gateway) < numSent) await new Promise(resolve => setImmediate(resolve))
    }
    expect(await aborted).toBe(requestId)
    expect(await (await fetch(`${gateway.url}/metrics`)).text()).toContain('outcome="client_slow"} 1')
    request.destroy()
  })
})

describe('errors of the scheduler', () => {
  it.each([
    ['overloaded', true, 429, 'rate_limit_error'], ['prompt_too_long', false, 400, 'invalid_request_error'],
    ['no_worker_available', true, 503, 'server_error'], ['something_new', false, 500, 'server_error'], ['something_new', true, 503, 'server_error']
  ])('before the first token become a status: %s (retryable %s)', async (code, retryable, status, type) => {
    for (const stream of [false, true]) {
      const gateway = await startTestGateway(({ requestId }, scheduler) => {
        scheduler.fail(requestId, { code, message: 'as it is', retryable, param: 'prompt' })
      })
      const response = await gateway.post('/v1/completions', { ...prompt, stream })
      expect(response.status).toBe(status)
      expect(response.headers.get('retry-after')).toBe(status === 429 || status === 503 ? '1' : null)
      expect(await response.json()).toEqual({ error: { message: 'as it is', type, param: 'prompt', code } })
    }
  })

  it('after the first token become an event, without [DONE]', async () => {
    const gateway: TestGateway = await startTestGateway(({ requestId }, scheduler) => {
      scheduler.tokens(requestId, gateway.encode('a'))
      scheduler.fail(requestId, { code: 'step_failed', message: 'lost', retryable: true })
    })
    const text = await (await gateway.post('/v1/completions', { ...prompt, stream: true })).text()
    expect(text).toMatch(/data: \{"error":\{"message":"lost","type":"server_error","param":null,"code":"step_failed"\}\}\n\n$/)
    const stream = await gateway.openai.completions.create({ ...prompt, stream: true })
    const read = async (): Promise<void> => { for await (const chunk of stream) expect(chunk.object).toBe('text_completion') }
    await expect(read()).rejects.toThrow('lost')
  })

  it('of one choice end them all', async () => {
    const gateway = await startTestGateway(({ requestId }, scheduler) => {
      if (requestId.endsWith('-1')) scheduler.fail(requestId, { code: 'step_failed', message: 'lost', retryable: true })
    })
    const response = await gateway.post('/v1/completions', { ...prompt, n: 3 })
    expect(response.status).toBe(503)
    while (gateway.scheduler.aborted.length < 2) await new Promise(resolve => setImmediate(resolve))
    expect(gateway.scheduler.aborted.map(id => id.slice(-2))).toEqual(['-0', '-2'])
  })

  it('are made up where a sequence was aborted by the other side', async () => {
    const gateway = await startTestGateway(({ requestId }, scheduler) => {
      scheduler.send([{ requestId, finishReason: 'FINISH_REASON_ABORT' }])
    })
    const response = await gateway.post('/v1/completions', prompt)
    expect([response.status, await response.json()]).toMatchObject([500, { error: { code: 'generation_failed' } }])
  })
})
