// The gateway as its process starts it: with the shipped model, a real listener and a scheduler.
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseOptions } from '@tandem/core'
import { openModel } from '@tandem/model'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gatewayOptions } from '../src/options.js'
import { startGateway } from '../src/start.js'
import { FakeScheduler } from './support/fake-scheduler.js'
import type { Script } from './support/fake-scheduler.js'

const model = fileURLToPath(new URL('../../../packages/default-model/SmolLM2-135M-Instruct.Q4_1.gguf', import.meta.url))
const logger = pino({ level: 'silent' })
const { fingerprint } = await openModel(model)

async function start (flags: Record<string, unknown>, script: Script = () => {}) {
  const scheduler = new FakeScheduler(script)
  scheduler.state = { ...scheduler.state, modelFingerprint: fingerprint }
  const port = await scheduler.listen()
  const options = parseOptions(gatewayOptions, { flags: { port: 0, schedulerAddress: `127.0.0.1:${port}`, model, ...flags } })
  const gateway = await startGateway(options, { logger })
  const url = `http://${gateway.address}`
  onTestFinished(async () => {
    await gateway.close()
    await scheduler.close()
  })
  while (!(await fetch(`${url}/ready`)).ok) await new Promise(resolve => setImmediate(resolve))
  return { scheduler, gateway, url }
}

const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], stream: true })
const post = (url: string) => fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })

describe('startGateway', () => {
  it('serves the shipped model', async () => {
    const { url } = await start({ servedModelName: 'smol' }, ({ requestId, sampling }, scheduler) => {
      // "Hello" and the model's end token.
      expect(sampling?.stopTokenIds).toEqual([2])
      scheduler.tokens(requestId, [19556, 2], { finishReason: 'FINISH_REASON_STOP' })
    })
    expect(await (await fetch(`${url}/v1/models`)).json()).toMatchObject({ data: [{ id: 'smol' }] })
    const text = await (await post(url)).text()
    expect(text).toContain('"content":"Hello"')
    expect(text).toContain('data: [DONE]')
  })

  it('finishes what is in flight when it closes, and takes nothing new', async () => {
    const { gateway, url, scheduler } = await start({}, ({ requestId }, fake) => { fake.tokens(requestId, [19556]) })
    const response = await post(url)
    const { requestId } = scheduler.received[0]!
    const closed = gateway.close()
    await expect(post(url)).rejects.toThrow()
    scheduler.tokens(requestId, [19556, 2], { finishReason: 'FINISH_REASON_STOP' })
    expect(await response.text()).toContain('[DONE]')
    await closed
  })

  it('aborts what does not finish in time', async () => {
    const { gateway, url } = await start({ shutdownTimeoutMs: 10 }, ({ requestId }, fake) => { fake.tokens(requestId, [19556]) })
    const response = await post(url)
    await gateway.close()
    expect(await response.text()).toContain('"code":"shutting_down"')
  })

  it('refuses an open host without a key', async () => {
    const options = (flags: Record<string, unknown>) => parseOptions(gatewayOptions, { flags: { model, port: 0, host: '0.0.0.0', ...flags } })
    await expect(startGateway(options({}), { logger })).rejects.toThrow(expect.objectContaining({ code: 'api_key_required' }))
    for (const flags of [{ apiKey: 'k' }, { allowUnauthenticated: true }]) {
      const gateway = await startGateway(options(flags), { logger })
      expect(gateway.address).toMatch(/^0\.0\.0\.0:\d+$/)
      await gateway.close()
    }
  })

  it('says when the port is taken or the model is missing', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => { taken.close() })
    await new Promise(resolve => taken.once('listening', resolve))
    const { port } = taken.address() as AddressInfo
    const options = (flags: Record<string, unknown>) => parseOptions(gatewayOptions, { flags: { model, port, ...flags } })
    await expect(startGateway(options({}), { logger })).rejects.toThrow(expect.objectContaining({
      code: 'listen_failed', message: expect.stringContaining('EADDRINUSE')
    }))
    await expect(startGateway(options({ model: '' }), { logger })).rejects.toThrow(expect.objectContaining({ code: 'option_missing' }))
    await expect(startGateway(options({ model: '/nowhere' }), { logger })).rejects.toThrow(expect.objectContaining({ code: 'model_not_found' }))
  })
})
