import { describe, expect, it } from 'vitest'
import { sayer, startTestGateway } from '../support/gateway.js'
import type { TestGateway } from '../support/gateway.js'

const get = async (gateway: TestGateway, path: string) => fetch(gateway.url + path)

describe('operations', () => {
  it('tell alive from ready', async () => {
    const gateway = await startTestGateway(() => {})
    expect((await get(gateway, '/ready')).status).toBe(200)
    gateway.scheduler.sendState({ ready: false, reason: 'no ffn worker' })
    while (gateway.link.state.ready) await new Promise(resolve => setImmediate(resolve))
    const response = await get(gateway, '/ready')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await response.json()).toMatchObject({ error: { code: 'not_ready', message: expect.stringContaining('no ffn worker') } })
    expect((await get(gateway, '/health')).status).toBe(200)
    expect((await gateway.post('/v1/completions', { prompt: 'a' })).status).toBe(503)
  })

  it('count requests, tokens and times, next to the scheduler\'s metrics', async () => {
    const gateway: TestGateway = await startTestGateway(sayer('one two three', () => gateway.encode))
    await gateway.post('/v1/completions', { prompt: 'Once', max_tokens: 50 })
    await gateway.post('/v1/completions', { prompt: 'Once', max_tokens: 0 })
    const response = await get(gateway, '/metrics')
    expect(response.headers.get('content-type')).toContain('text/plain')
    const text = await response.text()
    const numTokens = gateway.encode('one two three').length + 1
    expect(text).toContain('tandem_gateway_requests_total{endpoint="/v1/completions",outcome="ok"} 1\n')
    expect(text).toContain('tandem_gateway_requests_total{endpoint="/v1/completions",outcome="rejected"} 1\n')
    expect(text).toContain('tandem_gateway_requests_in_flight 0\n')
    expect(text).toContain(`tandem_gateway_output_tokens_total ${numTokens}\n`)
    expect(text).toContain('tandem_gateway_ttft_seconds_count 1\n')
    expect(text).toContain('tandem_gateway_tpot_seconds_count 1\n')
    expect(text).toContain('tandem_gateway_e2e_seconds_count 1\n')
    expect(text).toContain(`tandem_gateway_itl_seconds_count ${numTokens - 1}\n`)
    expect(text).toContain('\ntandem_scheduler_steps_total 3\n')
    // One HELP line per metric, or Prometheus refuses the page.
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(match => match[1])
    expect(new Set(names).size).toBe(names.length)
  })

  it('have their own metrics when the scheduler gives none', async () => {
    const gateway = await startTestGateway(() => {})
    await gateway.scheduler.close()
    const response = await get(gateway, '/metrics')
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('tandem_gateway_requests_in_flight 0')
  })

  it('describe the API', async () => {
    const gateway = await startTestGateway(() => {})
    const document = await (await get(gateway, '/openapi.json')).json() as { openapi: string, paths: Record<string, unknown> }
    // Before 3.1, exclusiveMinimum is a boolean: generators refuse a document with a number there.
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths).sort()).toEqual([
      '/admin/v1/cluster', '/admin/v1/scale', '/admin/v1/workers/{id}/drain', '/health', '/metrics', '/ready', '/v1/chat/completions', '/v1/completions',
      '/v1/models', '/v1/models/{id}'
    ])
  })
})
