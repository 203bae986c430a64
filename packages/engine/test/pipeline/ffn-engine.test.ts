import { afterEach, describe, expect, it } from 'vitest'
import { createLoopbackConnector, createTcpConnector, tokenDigestOf } from '@tandem/connector'
import type { A2fFrame, Connector, FfnChannel } from '@tandem/connector'
import { modelFingerprint, startFfn } from './support/cluster.js'
import type { FakeFfn } from './support/cluster.js'
import { hiddenSize } from './support/fake-model.js'

const toClose: Array<() => Promise<void>> = []
afterEach(async () => { for (const close of toClose.splice(0).reverse()) await close() })

async function start (connector: Connector, maxQueuedFrames?: number): Promise<FakeFfn> {
  const ffn = await startFfn('f', connector, maxQueuedFrames)
  toClose.push(() => ffn.engine.dispose())
  return ffn
}

async function dial (connector: Connector, { engine }: FakeFfn): Promise<FfnChannel> {
  const channel = await connector.connect(engine.endpoints[0]!, {
    hello: { kind: 'hello', workerNumber: 1, workerId: 'a', tokenDigest: tokenDigestOf('secret'), modelFingerprint }, maxInFlight: 32, connectTimeoutMs: 5000
  })
  toClose.push(() => channel.close())
  return channel
}

function assignment (epoch: number, start = 0, end = 8) {
  return { epoch, instanceIdx: 0, rank: 0, size: 1, split: 'ep' as const, shards: { start, end } }
}

/** Row r holds `value + r`. */
function frame (frameId: number, changes: Partial<A2fFrame> = {}, value = frameId): A2fFrame {
  const numTokens = changes.numTokens ?? 1
  const values = Float32Array.from({ length: numTokens * hiddenSize }, (_, i) => Math.sin(value + Math.floor(i / hiddenSize) + i))
  return {
    kind: 'a2f',
    epoch: 1,
    workerNumber: 1,
    frameId,
    layerIdx: 0,
    ubatchIdx: 0,
    numTokens,
    hiddenSize,
    dtype: 'f32',
    hidden: new Uint8Array(values.buffer),
    scales: new Float32Array(0),
    topK: 0,
    topkIds: new Uint16Array(0),
    topkWeights: new Float32Array(0),
    ...changes
  }
}

async function ask (channel: FfnChannel, sent: A2fFrame) {
  await channel.sendAttnOutput(sent)
  return await channel.recvFfnOutput(sent.frameId)
}

describe.each([['loopback', createLoopbackConnector], ['tcp', createTcpConnector]] as const)('over %s', (_name, create) => {
  it('merges frames of several workers that wait for one layer, with the results of each alone', async () => {
    const connector = create()
    const ffn = await start(connector)
    await ffn.engine.assign(assignment(1))
    const channels = [await dial(connector, ffn), await dial(connector, ffn), await dial(connector, ffn)]
    const alone: Uint8Array[] = []
    for (const [i, channel] of channels.entries()) alone.push((await ask(channel, frame(1, {}, i))).partials.slice())
    const batchesBefore = ffn.engine.stats().numBatches
    const widths: number[] = []
    ffn.backend.onRun = (_layerIdx, numTokens) => { widths.push(numTokens) }
    const answers = await Promise.all(channels.flatMap((channel, i) => [2, 3, 4, 5].map(frameId => ask(channel, frame(frameId, {}, i)))))
    answers.forEach((answer, i) => { expect(answer.partials.slice()).toEqual(alone[Math.floor(i / 4)]) })
    const { numFrames, numBatches, numTokens } = ffn.engine.stats()
    expect(numFrames).toBe(15)
    expect(numTokens).toBe(15)
    expect(numBatches - batchesBefore).toBe(widths.length)
    expect(Math.max(...widths)).toBeGreaterThan(1)
  })

  it('serves two epochs during a change and refuses those it retired', async () => {
    const connector = create()
    const ffn = await start(connector)
    await ffn.engine.assign(assignment(1, 0, 8))
    const channel = await dial(connector, ffn)
    await expect(ask(channel, frame(1, { epoch: 2 }))).rejects.toMatchObject({ code: 'epoch_stale' })
    await ffn.engine.assign(assignment(2, 0, 4))
    expect([...(await ask(channel, frame(2, { epoch: 1 }))).nodes]).toEqual([1])
    expect([...(await ask(channel, frame(3, { epoch: 2 }))).nodes]).toEqual([2])
    ffn.engine.retire(2)
    await expect(ask(channel, frame(4, { epoch: 1 }))).rejects.toMatchObject({ code: 'epoch_stale', message: expect.stringContaining('served: 2') })
    expect(ffn.backend.held.size).toBe(4)
    expect(ffn.engine.stats().refused).toEqual({ stale_epoch: 2 })
    expect(ffn.engine.info.weightBytes).toBe(400)
  })

  it('refuses what the model cannot run and goes on', async () => {
    const connector = create()
    const ffn = await start(connector)
    await ffn.engine.assign(assignment(1))
    const channel = await dial(connector, ffn)
    await expect(ask(channel, frame(1, { layerIdx: 9 }))).rejects.toMatchObject({ code: 'layer_unknown' })
    const wide = frame(2, { numTokens: 2 })
    await expect(ask(channel, { ...wide, numTokens: 1, hiddenSize: 2 * hiddenSize })).rejects.toMatchObject({ code: 'frame_malformed' })
    await ask(channel, frame(3))
    expect(ffn.engine.stats().refused).toEqual({ unknown_layer: 1, malformed: 1 })
  })

  it('stops loudly when the backend breaks an invariant', async () => {
    const connector = create()
    const ffn = await start(connector)
    await ffn.engine.assign(assignment(1))
    const channel = await dial(connector, ffn)
    const failure = new Error('the books do not add up')
    ffn.backend.onRun = () => { throw failure }
    await expect(ask(channel, frame(1))).rejects.toMatchObject({ code: expect.stringMatching(/peer_internal|peer_down/) })
    await new Promise<void>(resolve => { channel.onClose(() => { resolve() }) })
    expect(ffn.fatal).toEqual([failure])
  })
})

it('keeps leaves a later assignment needs, and loads one after the other', async () => {
  const ffn = await start(createLoopbackConnector())
  await Promise.all([ffn.engine.assign(assignment(1, 0, 4)), ffn.engine.assign(assignment(2, 4, 8))])
  expect(ffn.backend.held.size).toBe(8)
  ffn.engine.retire(2)
  await ffn.engine.assign(assignment(3, 4, 6))
  expect(ffn.backend.held.size).toBe(4)
})

it('ends cleanly: listeners closed, backend disposed, no further assignment', async () => {
  const connector = createLoopbackConnector()
  const ffn = await start(connector)
  const channel = await dial(connector, ffn)
  const closed = new Promise<string>(resolve => { channel.onClose(resolve) })
  await ffn.engine.dispose()
  await closed
  expect(ffn.backend.isDisposed).toBe(true)
  await expect(ffn.engine.assign(assignment(1))).rejects.toMatchObject({ code: 'engine_disposed' })
  await ffn.engine.dispose()
})
