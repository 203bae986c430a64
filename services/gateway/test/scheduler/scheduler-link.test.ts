import { describe, expect, it } from 'vitest'
import { EOS, sayer, startTestGateway, untilReady } from '../support/gateway.js'
import type { TestGateway } from '../support/gateway.js'

const body = { model: 'tiny', prompt: 'Once', max_tokens: 50, stream: true }

/** Texts of the chunks of a stream, and whether it said [DONE]. */
async function readStream (response: Response): Promise<{ text: string, done: boolean, error: unknown }> {
  const events = (await response.text()).split('\n\n').filter(Boolean).map(event => event.replace(/^data: /, ''))
  const chunks = events.filter(event => event !== '[DONE]').map(event => JSON.parse(event) as { choices?: Array<{ text: string }>, error?: unknown })
  return {
    text: chunks.map(chunk => chunk.choices?.[0]?.text ?? '').join(''),
    done: events.at(-1) === '[DONE]',
    error: chunks.find(chunk => chunk.error !== undefined)?.error
  }
}

describe('a lost scheduler', () => {
  it('gets its sequences again, with the output so far, and the stream goes on', async () => {
    const text = 'one two three four five'
    const gateway: TestGateway = await startTestGateway(({ requestId, outputTokenIds }, scheduler) => {
      const ids = gateway.encode(text)
      if (outputTokenIds.length === 0) {
        // Half of the text, then the scheduler dies.
        for (const id of ids.slice(0, 4)) scheduler.tokens(requestId, [id])
        return
      }
      for (const id of ids.slice(outputTokenIds.length)) scheduler.tokens(requestId, [id])
      scheduler.tokens(requestId, [EOS], { finishReason: 'FINISH_REASON_STOP' })
    })
    const response = await gateway.post('/v1/completions', body)
    // Headers came, so tokens did; all four are in flight or delivered once the link has counted them.
    const again = gateway.scheduler.nextGenerate()
    gateway.scheduler.dropStreams()
    expect(await readStream(response)).toEqual({ text, done: true, error: undefined })
    const request = await again
    expect(request.outputTokenIds).toEqual(gateway.encode(text).slice(0, request.outputTokenIds.length))
    expect(request.promptTokenIds).toEqual(gateway.scheduler.received[0]!.promptTokenIds)
    expect(request.sampling).toEqual(gateway.scheduler.received[0]!.sampling)
    expect(request.maxTokens).toBe(50)
  })

  it('waits for the scheduler to be ready again before it submits', async () => {
    const gateway: TestGateway = await startTestGateway(({ requestId, outputTokenIds }, scheduler) => {
      if (outputTokenIds.length === 0) scheduler.tokens(requestId, gateway.encode('a'))
      else scheduler.tokens(requestId, [EOS], { finishReason: 'FINISH_REASON_STOP' })
    })
    const response = await gateway.post('/v1/completions', body)
    gateway.scheduler.sendState({ ready: false, reason: 'no attention worker' })
    gateway.scheduler.dropStreams()
    while (gateway.link.state.reason !== 'no attention worker' || !gateway.link.state.connected) await new Promise(resolve => setImmediate(resolve))
    expect(gateway.scheduler.received).toHaveLength(1)
    gateway.scheduler.sendState({ ready: true, reason: '' })
    expect(await readStream(response)).toMatchObject({ text: 'a', done: true })
    expect(gateway.scheduler.received).toHaveLength(2)
  })

  it('does not get a sequence again whose client left meanwhile', async () => {
    const gateway: TestGateway = await startTestGateway(({ requestId, outputTokenIds }, scheduler) => {
      if (outputTokenIds.length === 0) scheduler.tokens(requestId, gateway.encode('a'))
      else scheduler.tokens(requestId, [EOS], { finishReason: 'FINISH_REASON_STOP' })
    })
    const controller = new AbortController()
    const leaving = await fetch(`${gateway.url}/v1/completions`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal: controller.signal
    })
    const staying = await gateway.post('/v1/completions', body)
    gateway.scheduler.sendState({ ready: false, reason: 'restarting' })
    gateway.scheduler.dropStreams()
    controller.abort()
    await leaving.text().catch(() => undefined)
    while (gateway.link.numLive > 1 || !gateway.link.state.connected) await new Promise(resolve => setImmediate(resolve))
    gateway.scheduler.sendState({ ready: true, reason: '' })
    expect(await readStream(staying)).toMatchObject({ text: 'a', done: true })
    expect(gateway.scheduler.received.map(({ outputTokenIds }) => outputTokenIds.length)).toEqual([0, 0, 1])
  })

  it('ends the stream with an error event when it stays away too long', async () => {
    const gateway: TestGateway = await startTestGateway(({ requestId }, scheduler) => {
      scheduler.tokens(requestId, gateway.encode('a'))
    }, { reattachTimeoutMs: 50 })
    const response = await gateway.post('/v1/completions', body)
    await gateway.scheduler.close()
    expect(await readStream(response)).toMatchObject({ text: 'a', done: false, error: { code: 'scheduler_lost', type: 'server_error' } })
    const refused = await gateway.post('/v1/completions', body)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await refused.json()).toMatchObject({ error: { code: 'not_ready' } })
  })

  it('is found again at the same address after a restart', async () => {
    const gateway: TestGateway = await startTestGateway(sayer('hello', () => gateway.encode))
    const port = gateway.scheduler.port
    await gateway.scheduler.close()
    while (gateway.link.state.ready) await new Promise(resolve => setImmediate(resolve))
    expect((await fetch(`${gateway.url}/ready`)).status).toBe(503)
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200)
    await gateway.scheduler.listen(port)
    await untilReady(gateway.link)
    expect((await readStream(await gateway.post('/v1/completions', body))).text).toBe('hello')
  })
})

describe('the serving state', () => {
  it('is not ready for a scheduler of another checkpoint', async () => {
    const gateway = await startTestGateway(() => {})
    gateway.scheduler.sendState({ modelFingerprint: 'other', modelName: 'stranger' })
    while (gateway.link.state.ready) await new Promise(resolve => setImmediate(resolve))
    const response = await fetch(`${gateway.url}/ready`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'not_ready', message: expect.stringContaining('stranger') } })
  })

  it('follows the length the scheduler serves', async () => {
    const gateway = await startTestGateway(() => {})
    gateway.scheduler.sendState({ maxModelLen: 4 })
    while (gateway.link.state.maxModelLen !== 4) await new Promise(resolve => setImmediate(resolve))
    const response = await gateway.post('/v1/completions', { prompt: [5, 6, 7, 8] })
    expect(await response.json()).toMatchObject({ error: { code: 'context_length_exceeded', param: 'prompt' } })
  })
})
