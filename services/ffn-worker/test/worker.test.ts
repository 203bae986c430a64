// The whole worker on a tiny checkpoint, against a scheduler the test plays itself.
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { parseOptions } from '@tandem/core'
import { createTcpConnector, fingerprintBytes, tokenDigestOf } from '@tandem/connector'
import { openModel } from '@tandem/model'
import { assignmentToMessage } from '@tandem/protocol'
import { startFakeScheduler } from '../../../packages/worker/test/support/fake-scheduler.js'
import type { FakeScheduler } from '../../../packages/worker/test/support/fake-scheduler.js'
import { ffnWorkerOptions } from '../src/options.js'
import { startFfnWorker } from '../src/worker.js'

const modelPath = fileURLToPath(new URL('../../../test/golden/models/llama-bf16', import.meta.url))
const logger = pino({ level: 'silent' })
const toClose: Array<() => Promise<unknown>> = []
afterEach(async () => { for (const close of toClose.splice(0).reverse()) await close() })

async function scheduler (): Promise<FakeScheduler> {
  const started = await startFakeScheduler()
  toClose.push(() => started.close())
  return started
}

async function startWorker (schedulerAddress: string, flags: Record<string, unknown> = {}) {
  const options = parseOptions(ffnWorkerOptions, { flags: { schedulerAddress, model: modelPath, backend: 'reference', connector: 'tcp', ...flags } })
  const worker = await startFfnWorker(options, { logger })
  toClose.push(() => worker.close())
  return worker
}

function assign (epoch: number, start: number, end: number) {
  return assignmentToMessage({ epoch, instanceIdx: 0, rank: 0, size: 2, split: 'ep', shards: { start, end } })
}

describe('ffn worker', () => {
  it('registers its endpoints, loads what it is assigned, answers frames, retires', async () => {
    const server = await scheduler()
    await startWorker(server.address, { workerId: 'f1', clusterToken: '' })
    const worker = await server.nextWorker()
    const model = await openModel(modelPath)
    const { endpoints, ...registration } = await worker.next('register')
    expect(registration).toMatchObject({ workerId: 'f1', role: 'WORKER_ROLE_FFN', modelFingerprint: model.fingerprint, weightBytes: 0 })
    expect(endpoints.map(({ connector }) => connector)).toEqual(['tcp'])
    worker.send({ accepted: { workerNumber: 1, heartbeatIntervalMs: 60_000 } })

    worker.send({ assign: assign(1, 0, 8) })
    const whole = await worker.next('assignmentReady')
    worker.send({ assign: assign(2, 0, 4) })
    const both = await worker.next('assignmentReady')
    expect([whole.epoch, both.epoch]).toEqual([1, 2])
    expect(both.weightBytes).toBe(whole.weightBytes)

    const channel = await createTcpConnector().connect({ connector: 'tcp', address: endpoints[0]!.address }, {
      hello: { kind: 'hello', workerNumber: 1, workerId: 'a', tokenDigest: tokenDigestOf(''), modelFingerprint: fingerprintBytes(model.fingerprint) },
      maxInFlight: 4,
      connectTimeoutMs: 5000
    })
    toClose.push(() => channel.close())
    const { hiddenSize } = model.config
    await channel.sendAttnOutput({
      kind: 'a2f',
      epoch: 2,
      workerNumber: 1,
      frameId: 1,
      layerIdx: 0,
      ubatchIdx: 0,
      numTokens: 1,
      hiddenSize,
      dtype: 'f32',
      hidden: new Uint8Array(new Float32Array(hiddenSize).fill(0.5).buffer),
      scales: new Float32Array(0),
      topK: 0,
      topkIds: new Uint16Array(0),
      topkWeights: new Float32Array(0)
    })
    expect([...(await channel.recvFfnOutput(1)).nodes]).toEqual([2])

    worker.send({ retire: { epoch: 2 } })
    worker.send({ assign: assign(3, 0, 4) })
    expect((await worker.next('assignmentReady')).weightBytes).toBeLessThan(whole.weightBytes)
  })

  it('drains, closes and is done', async () => {
    const server = await scheduler()
    const running = await startWorker(server.address)
    const worker = await server.nextAccepted()
    await worker.next('heartbeat')
    const drained = running.drain()
    await worker.next('drainRequested')
    worker.send({ drained: {} })
    await drained
    await running.close()
    await running.done
  })

  it('refuses to start without a model, or open to others without a token', async () => {
    await expect(startWorker('127.0.0.1:1', { model: '' })).rejects.toMatchObject({ code: 'option_missing' })
    await expect(startWorker('127.0.0.1:1', { host: '0.0.0.0' })).rejects.toMatchObject({ code: 'cluster_token_required' })
  })
})
