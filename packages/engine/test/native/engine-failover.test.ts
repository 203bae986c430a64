// What a native attention engine does when FFN workers die, refuse or stay silent. The bad workers are TypeScript listeners, so that
// a test decides what they do with a frame that has arrived.
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { FfnInstance } from '@tandem/core'
import { createTcpConnector, fingerprintBytes, MAX_FRAME_BYTES, tokenDigestOf } from '@tandem/connector'
import type { FfnListener } from '@tandem/connector'
import type { Model } from '@tandem/model'
import { openGoldenModel } from '../reference/golden-models.js'
import { formInstance, generate, newSequence, prompts, skipReason, startAttention, startCluster, startFfn } from './engine-support/cluster.js'

const shards = { start: 0, end: 8 }

describe.skipIf(skipReason !== null)('native engine without its FFN worker', () => {
  let model: Model
  let expected: Map<number, number[]>
  const closing: Array<() => Promise<unknown>> = []

  const sequences = () => prompts(3, model.config.vocabSize).map((tokenIds, i) => newSequence(i, tokenIds, 5))
  const prefill = (stepId: number) => ({
    stepId,
    removedSeqIds: [],
    newSequences: sequences(),
    scheduled: sequences().map(({ seqId, tokenIds }) => ({
      seqId, numComputedTokens: 0, numScheduledTokens: tokenIds.length, ubatchIdx: 0, newBlockIds: [seqId * 2, seqId * 2 + 1]
    })),
    ffnInstanceOfUbatch: [0]
  })

  /** A worker that speaks the protocol and computes nothing. */
  async function startListener (): Promise<{ listener: FfnListener, instance: FfnInstance }> {
    const listener = await createTcpConnector().listen({
      tokenDigest: tokenDigestOf('secret'),
      modelFingerprint: fingerprintBytes(model.fingerprint),
      workerId: 'bad',
      host: '127.0.0.1',
      port: 0,
      advertiseHost: '127.0.0.1',
      maxQueuedFrames: 8,
      maxFrameBytes: MAX_FRAME_BYTES
    })
    closing.push(() => listener.close())
    return { listener, instance: { instanceIdx: 0, members: [{ workerId: 'bad', shards, endpoints: [listener.endpoint] }] } }
  }

  async function start (ffnTimeoutMs = 20_000) {
    const attention = await startAttention(model, 'cpu', 'auto', { ffnTimeoutMs })
    closing.unshift(() => attention.engine.dispose())
    return attention
  }

  async function goodInstance (epoch: number, instanceIdx: number): Promise<FfnInstance> {
    const worker = await startFfn(model, 'cpu', 'shm')
    closing.push(() => worker.dispose())
    return await formInstance(epoch, 'tp', [worker], instanceIdx)
  }

  beforeAll(async () => {
    model = await openGoldenModel('gguf-llama')
    const cluster = await startCluster(model)
    expected = (await generate(cluster.engine, sequences())).outputs
    await cluster.close()
  })

  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  it('sends a frame again to a replica when the worker that has it dies', async () => {
    const { engine, peersDown } = await start()
    const { listener, instance } = await startListener()
    await engine.setTopology({ epoch: 1, split: 'tp', instances: [instance, await goodInstance(1, 1)] })
    const step = engine.step(prefill(1))
    await listener.recvAttnOutput()
    await listener.close()
    const { sampled } = await step
    expect(sampled.map(({ tokenId }) => tokenId)).toEqual([...expected.values()].map(([first]) => first))
    expect(engine.stats().framesResent).toBe(1)
    expect(peersDown).toHaveLength(1)
    expect(peersDown[0]).toContain('bad')
  })

  it('finishes the step in flight on a new topology', async () => {
    const { engine } = await start()
    const { listener, instance } = await startListener()
    await engine.setTopology({ epoch: 1, split: 'tp', instances: [instance] })
    const step = engine.step(prefill(1))
    await listener.recvAttnOutput()
    await engine.setTopology({ epoch: 2, split: 'tp', instances: [await goodInstance(2, 0)] })
    expect((await step).sampled.map(({ tokenId }) => tokenId)).toEqual([...expected.values()].map(([first]) => first))
  })

  it('rejects at the deadline, refuses the plan behind it, and then runs the plan as if nothing had been', async () => {
    const { engine } = await start(30)
    const { instance } = await startListener()
    await engine.setTopology({ epoch: 1, split: 'tp', instances: [instance] })
    const steps = await Promise.allSettled([engine.step(prefill(1)), engine.step({ ...prefill(2), newSequences: [], scheduled: [] })])
    expect(steps.map(step => step.status === 'rejected' && (step.reason as { code: string }).code)).toEqual(['ffn_unavailable', 'step_aborted'])
    expect(steps[0]).toMatchObject({ reason: { facts: { layerIdx: 0, timeoutMs: 30 } } })
    await engine.setTopology({ epoch: 2, split: 'tp', instances: [await goodInstance(2, 0)] })
    expect((await generate(engine, sequences())).outputs).toEqual(expected)
  })

  it('tries an overloaded worker again', async () => {
    const { engine } = await start()
    const { listener, instance } = await startListener()
    await engine.setTopology({ epoch: 1, split: 'tp', instances: [instance] })
    const step = engine.step(prefill(1)).catch((error: unknown) => error)
    for (let i = 0; i < 3; i++) {
      const delivery = await listener.recvAttnOutput()
      await listener.refuse(delivery!, i < 2 ? 'overloaded' : 'internal', 'because')
    }
    expect(await step).toMatchObject({ code: 'ffn_answer_invalid', facts: { workerId: 'bad', layerIdx: 0, reason: 'because' } })
    expect(engine.stats().framesResent).toBe(2)
  })

  it('leaves an epoch that the worker no longer serves', async () => {
    const { engine } = await start()
    const worker = await startFfn(model, 'cpu', 'shm')
    closing.push(() => worker.dispose())
    await engine.setTopology({ epoch: 1, split: 'tp', instances: [await formInstance(1, 'tp', [worker])] })
    await worker.assign({ epoch: 2, instanceIdx: 0, rank: 0, size: 1, split: 'tp', shards })
    worker.retire(2)
    const step = engine.step(prefill(1))
    while (worker.stats().refused['stale_epoch'] === undefined) await new Promise(resolve => { setImmediate(resolve) })
    await engine.setTopology({ epoch: 2, split: 'tp', instances: [{ instanceIdx: 0, members: [{ workerId: 'f', shards, endpoints: worker.endpoints }] }] })
    expect((await step).sampled).toHaveLength(3)
  })

  it('refuses to connect with another token or model, and says so', async () => {
    const { instance } = await startListener()
    const stranger = await startAttention(model, 'cpu', 'auto', { clusterToken: 'other' })
    closing.unshift(() => stranger.engine.dispose())
    await expect(stranger.engine.setTopology({ epoch: 1, split: 'tp', instances: [instance] })).rejects.toMatchObject({ code: 'connect_failed' })
    const native = await startFfn(model, 'cpu', 'auto')
    closing.push(() => native.dispose())
    for (const connector of ['shm', 'tcp']) {
      const endpoints = native.endpoints.filter(endpoint => endpoint.connector === connector)
      const topology = { epoch: 1, split: 'tp', instances: [{ instanceIdx: 0, members: [{ workerId: 'f', shards, endpoints }] }] } as const
      await expect(stranger.engine.setTopology(topology)).rejects.toMatchObject({ code: 'connect_failed', facts: { workerId: 'f' } })
    }
    expect(native.stats().refused['unauthorized']).toBeGreaterThanOrEqual(2)
  })
})
