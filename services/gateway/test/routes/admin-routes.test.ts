import { Metadata, status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.js'

describe('admin', () => {
  it('shows the cluster in plain words', async () => {
    const { url } = await startTestGateway(() => {})
    const cluster = await (await fetch(`${url}/admin/v1/cluster`)).json()
    expect(cluster).toMatchObject({
      epoch: 2, split: 'ep', state: { ready: true, model_name: 'tiny' }, workers: [{ worker_id: 'a-1', role: 'attention', state: 'ready' }]
    })
    expect(JSON.stringify(cluster)).not.toContain('"_')
  })

  it('relays a scale, with only what was asked', async () => {
    const { post, scheduler } = await startTestGateway(() => {})
    const response = await post('/admin/v1/scale', { ffn: 3 })
    expect(await response.json()).toEqual({ attention: 2, ffn: 3 })
    expect(scheduler.calls[0]).toMatchObject(['setScale', { ffn: 3 }])
    expect(scheduler.calls[0]![1]).not.toHaveProperty('_attention')
  })

  it.each([[{}], [{ ffn: -1 }], [{ ffn: '2' }], [{ attention: 1.5 }], [{ gpus: 1 }]])('refuses the scale %j', async body => {
    const { post, scheduler } = await startTestGateway(() => {})
    expect((await post('/admin/v1/scale', body)).status).toBe(400)
    expect(scheduler.calls).toEqual([])
  })

  it('names the parameter the scheduler objects to', async () => {
    const { post, scheduler } = await startTestGateway(() => {})
    const metadata = new Metadata()
    metadata.set('tandem-error-param', 'ffn')
    scheduler.refusal = { code: status.INVALID_ARGUMENT, details: 'ffn=9 is more than this machine has use for', metadata }
    const response = await post('/admin/v1/scale', { ffn: 9 })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param: 'ffn', message: 'ffn=9 is more than this machine has use for' } })
  })

  it('relays a drain', async () => {
    const { url, scheduler } = await startTestGateway(() => {})
    const response = await fetch(`${url}/admin/v1/workers/a-1/drain`, { method: 'POST' })
    expect(await response.json()).toEqual({ worker_id: 'a-1', state: 'draining' })
    expect(scheduler.calls).toMatchObject([['drainWorker', { workerId: 'a-1' }]])
  })

  it.each([
    [status.NOT_FOUND, 404, 'request_rejected'], [status.FAILED_PRECONDITION, 409, 'request_rejected'], [status.UNAVAILABLE, 503, 'not_ready'],
    [status.INTERNAL, 500, 'generation_failed']
  ])('answers status %i of the scheduler with %i', async (code, http, error) => {
    const { url, scheduler } = await startTestGateway(() => {})
    scheduler.refusal = { code, details: 'there is no worker x' }
    const response = await fetch(`${url}/admin/v1/workers/x/drain`, { method: 'POST' })
    expect(response.status).toBe(http)
    expect(await response.json()).toMatchObject({ error: { code: error, message: expect.stringContaining('there is no worker x') } })
  })
})
