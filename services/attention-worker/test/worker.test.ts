// The whole worker on a tiny checkpoint, against a scheduler the test plays itself.
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { parseOptions } from '@tandem/core'
import { createFfnEngine, resolveBackend } from '@tandem/engine'
import type { FfnEngine } from '@tandem/engine'
import { openModel } from '@tandem/model'
import { topologyToMessage } from '@tandem/protocol'
import type { StepPlanMessage } from '@tandem/protocol'
import { startFakeScheduler } from '../../../packages/worker/test/support/fake-scheduler.js'
import type { AttachedWorker, FakeScheduler } from '../../../packages/worker/test/support/fake-scheduler.js'
import { attentionWorkerOptions } from '../src/options.js'
import { startAttentionWorker } from '../src/worker.js'

const modelPath = fileURLToPath(new URL('../../../test/golden/models/llama-bf16', import.meta.url))
const logger = pino({ level: 'silent' })
const toClose: Array<() => Promise<unknown>> = []
afterEach(async () => { for (const close of toClose.splice(0).reverse()) await close() })

async function scheduler (port = 0): Promise<FakeScheduler> {
  const started = await startFakeScheduler(port)
  toClose.push(() => started.close())
  return started
}

async function startWorker (schedulerAddress: string, flags: Record<string, unknown> = {}) {
  const options = parseOptions(attentionWorkerOptions, {
    flags: { schedulerAddress, model: modelPath, backend: 'reference', kvCacheBytes: 4_000_000, maxModelLen: 64, ...flags }
  })
  const worker = await startAttentionWorker(options, { logger })
  toClose.push(() => worker.close())
  return worker
}

async function startFfn (): Promise<FfnEngine> {
  const engine = await createFfnEngine({
    model: await openModel(modelPath),
    backend: 'reference',
    connector: 'tcp',
    host: '127.0.0.1',
    port: 0,
    advertiseHost: '127.0.0.1',
    clusterToken: '',
    numThreads: 0,
    maxQueuedFrames: 16
  })
  toClose.push(() => engine.dispose())
  return engine
}

async function sendTopology (worker: AttachedWorker, engine: FfnEngine, epoch = 1): Promise<void> {
  const shards = { start: 0, end: 8 }
  await engine.assign({ epoch, instanceIdx: 0, rank: 0, size: 1, split: 'ep', shards })
  const members = [{ workerId: 'f', shards, endpoints: engine.endpoints }]
  worker.send({ topology: topologyToMessage({ epoch, split: 'ep', instances: [{ instanceIdx: 0, members }] }) })
}

const prefill: StepPlanMessage = {
  stepId: 1,
  newSequences: [{ seqId: 1, tokenIds: [1, 5, 9], numPromptTokens: 3, maxTokens: 3 }],
  scheduled: [{ seqId: 1, numComputedTokens: 0, numScheduledTokens: 3, ubatchIdx: 0, newBlockIds: [0] }]
}

const decode = (stepId: number): StepPlanMessage => ({
  stepId, scheduled: [{ seqId: 1, numComputedTokens: stepId + 1, numScheduledTokens: 1, ubatchIdx: 0, newBlockIds: [] }]
})

/** Tokens of the sequence, two plans in flight. */
async function generate (worker: AttachedWorker): Promise<Array<[position: number, tokenId: number, finishReason: string]>> {
  worker.send({ step: prefill })
  worker.send({ step: decode(2) })
  const results = [await worker.next('stepResult')]
  worker.send({ step: decode(3) })
  results.push(await worker.next('stepResult'), await worker.next('stepResult'))
  expect(results.map(({ stepId }) => stepId)).toEqual([1, 2, 3])
  return results.flatMap(({ sampled }) => sampled.map(({ position, tokenId, finishReason }) => [position, tokenId, finishReason]))
}

describe('attention worker', () => {
  it('says which backend it chose, and why no better one', async () => {
    const server = await scheduler()
    await startWorker(server.address, { backend: 'auto' })
    const { backend, reason } = resolveBackend('auto')
    expect(await (await server.nextWorker()).next('register')).toMatchObject({
      backend, backendReason: reason, computeDtype: backend === 'cpu' ? 'int8' : ''
    })
  })

  it.skipIf(resolveBackend('auto').backend !== 'cpu')('takes the reference when the native engine refuses, and says so', async () => {
    const server = await scheduler()
    // The native engine's KV blocks have multiples of 16 tokens.
    await startWorker(server.address, { backend: 'auto', blockSize: 8 })
    const { backend, backendReason, kvDtype } = (await (await server.nextWorker()).next('register'))
    expect({ backend, kvDtype }).toEqual({ backend: 'reference', kvDtype: 'f32' })
    expect(backendReason).toContain('no cpu: the native engine cannot run this model: the KV block size')
    await expect(startWorker(server.address, { backend: 'cpu', blockSize: 8 })).rejects.toMatchObject({ code: 'model_unsupported' })
  })

  it('does not start with a compute dtype that its backend has not', async () => {
    const server = await scheduler()
    await expect(startWorker(server.address, { computeDtype: 'bf16' })).rejects.toMatchObject({ code: 'compute_dtype_unavailable' })
  })

  it('registers what it holds, follows the topology and runs steps', async () => {
    const server = await scheduler()
    await startWorker(server.address, { workerId: 'a1', servedModelName: 'tiny' })
    const worker = await server.nextWorker()
    const model = await openModel(modelPath)
    expect(await worker.next('register')).toMatchObject({
      workerId: 'a1', role: 'WORKER_ROLE_ATTENTION', modelName: 'tiny', modelFingerprint: model.fingerprint, backend: 'reference', blockSize: 16, maxModelLen: 64, colocated: false, kvDtype: 'f32'
    })
    worker.send({ accepted: { workerNumber: 1, heartbeatIntervalMs: 60_000 } })
    expect((await worker.next('heartbeat')).stats?.rssBytes).toBeGreaterThan(0)
    await sendTopology(worker, await startFfn())
    expect(await worker.next('topologyReady')).toEqual({ epoch: 1 })
    const tokens = await generate(worker)
    expect(tokens.map(([position, , finishReason]) => [position, finishReason])).toEqual([
      [3, 'FINISH_REASON_UNSPECIFIED'], [4, 'FINISH_REASON_UNSPECIFIED'], [5, 'FINISH_REASON_LENGTH']
    ])
  })

  it('computes the same tokens alone when colocated, and says so', async () => {
    const server = await scheduler()
    await startWorker(server.address)
    const separate = await server.nextAccepted()
    await sendTopology(separate, await startFfn())
    await separate.next('topologyReady')
    const expected = await generate(separate)

    await startWorker(server.address, { connector: 'loopback' })
    const colocated = await server.nextWorker()
    expect(await colocated.next('register')).toMatchObject({ colocated: true })
    colocated.send({ accepted: { workerNumber: 2, heartbeatIntervalMs: 60_000 } })
    expect(await generate(colocated)).toEqual(expected)
  })

  it('answers a plan it cannot run with the error, and the next one with tokens', async () => {
    const server = await scheduler()
    await startWorker(server.address, { connector: 'loopback' })
    const worker = await server.nextAccepted()
    worker.send({ step: decode(9) })
    expect(await worker.next('stepResult')).toMatchObject({ stepId: 9, error: { code: 'plan_invalid', retryable: false } })
    expect(await generate(worker)).toHaveLength(3)
  })

  it('starts afresh with a scheduler that was restarted', async () => {
    const server = await scheduler()
    await startWorker(server.address, { connector: 'loopback' })
    const worker = await server.nextAccepted()
    worker.send({ step: prefill })
    await worker.next('stepResult')
    await server.close()
    const again = await (await scheduler(Number(server.address.split(':')[1]))).nextAccepted()
    expect((await again.next('heartbeat')).stats?.numSequences).toBe(0)
    expect(await generate(again)).toHaveLength(3)
  })

  it('reports a lost ffn worker at once', async () => {
    const server = await scheduler()
    await startWorker(server.address)
    const worker = await server.nextAccepted()
    const ffn = await startFfn()
    await sendTopology(worker, ffn)
    await worker.next('topologyReady')
    await ffn.dispose()
    expect(await worker.next('peerDown')).toMatchObject({ workerId: 'f' })
    await sendTopology(worker, await startFfn(), 2)
    expect(await worker.next('topologyReady')).toEqual({ epoch: 2 })
  })

  it('drains, closes and is done', async () => {
    const server = await scheduler()
    const running = await startWorker(server.address, { connector: 'loopback' })
    const worker = await server.nextAccepted()
    await worker.next('heartbeat')
    const drained = running.drain()
    await worker.next('drainRequested')
    worker.send({ drained: {} })
    await drained
    await running.close()
    await running.done
    await worker.untilOver()
  })

  it('leaves when it is drained unasked', async () => {
    const server = await scheduler()
    const running = await startWorker(server.address, { connector: 'loopback' })
    const worker = await server.nextAccepted()
    worker.send({ drained: {} })
    await running.done
    await worker.untilOver()
  })

  it('refuses to start without a model, or with a KV cache that does not fit', async () => {
    await expect(startWorker('127.0.0.1:1', { model: '' })).rejects.toMatchObject({ code: 'option_missing' })
    await expect(startWorker('127.0.0.1:1', { kvCacheBytes: 2 ** 50 })).rejects.toMatchObject({ code: 'kv_cache_too_large' })
  })
})
