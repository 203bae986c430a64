// The native FFN engine seen from the wire: refusals with the right status, counted, and none of them hurts the next frame.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { FfnAssignment } from '@tandem/core'
import { createTcpConnector, fingerprintBytes, tokenDigestOf } from '@tandem/connector'
import type { A2fFrame, FfnChannel } from '@tandem/connector'
import type { FfnEngine, FfnEngineOptions } from '@tandem/engine'
import type { Model } from '@tandem/model'
import { openGoldenModel } from '../reference/golden-models.js'
import { skipReason, startFfn } from './engine-support/cluster.js'

const assignment: FfnAssignment = { epoch: 4, instanceIdx: 0, rank: 0, size: 1, split: 'ep', shards: { start: 0, end: 8 } }

describe.skipIf(skipReason !== null)('native FFN engine', () => {
  const closing: Array<() => Promise<unknown>> = []
  afterEach(async () => { for (const close of closing.splice(0)) await close() })

  async function start (model: Model, settings: Partial<FfnEngineOptions> = {}): Promise<{ engine: FfnEngine, channel: FfnChannel }> {
    const engine = await startFfn(model, 'cpu', 'tcp', settings)
    await engine.assign(assignment)
    const channel = await createTcpConnector().connect(engine.endpoints[0]!, {
      hello: {
        kind: 'hello', workerNumber: 1, workerId: 'a', tokenDigest: tokenDigestOf('secret'), modelFingerprint: fingerprintBytes(model.fingerprint)
      },
      maxInFlight: 32,
      connectTimeoutMs: 5000
    })
    closing.push(() => channel.close(), () => engine.dispose())
    return { engine, channel }
  }

  function frameFor (model: Model, frameId: number, changes: Partial<A2fFrame> = {}): A2fFrame {
    const { hiddenSize, ffn } = model.config
    const layer = ffn[changes.layerIdx ?? 0]
    const topK = changes.topK ?? (layer?.kind === 'moe' ? layer.router.topK : 0)
    const width = changes.hiddenSize ?? hiddenSize
    return {
      kind: 'a2f',
      epoch: 4,
      workerNumber: 1,
      frameId,
      layerIdx: 0,
      ubatchIdx: 0,
      numTokens: 2,
      hiddenSize: width,
      dtype: 'f32',
      hidden: new Uint8Array(2 * width * 4),
      scales: new Float32Array(0),
      topK,
      topkIds: Uint16Array.from({ length: 2 * topK }, (_, i) => i % topK),
      topkWeights: new Float32Array(2 * topK).fill(0.5),
      ...changes
    }
  }

  async function ask (channel: FfnChannel, frame: A2fFrame) {
    await channel.sendAttnOutput(frame)
    return await channel.recvFfnOutput(frame.frameId)
  }

  it('refuses frames that do not fit, says why, and answers the next one', async () => {
    const model = await openGoldenModel('qwen3-moe-bf16')
    const { engine, channel } = await start(model)
    const bad: ReadonlyArray<[string, Partial<A2fFrame>]> = [
      ['epoch_stale', { epoch: 3 }],
      ['layer_unknown', { layerIdx: 99 }],
      ['frame_malformed', { hiddenSize: model.config.hiddenSize + 16 }],
      ['frame_malformed', { topK: 1 }],
      ['frame_malformed', { topkIds: new Uint16Array(2 * frameFor(model, 0).topK).fill(60_000) }]
    ]
    const codes = []
    for (const [i, [, changes]] of bad.entries()) {
      codes.push(await ask(channel, frameFor(model, 2 * i + 1, changes)).then(() => 'answered', (error: { code: string }) => error.code))
      expect((await ask(channel, frameFor(model, 2 * i + 2))).numTokens).toBe(2)
    }
    expect(codes).toEqual(bad.map(([code]) => code))
    expect(engine.stats()).toMatchObject({ numFrames: bad.length, refused: { stale_epoch: 1, unknown_layer: 1, malformed: 3 } })
  })

  async function dial (engine: FfnEngine): Promise<Socket> {
    const [host, port] = engine.endpoints[0]!.address.split(':')
    const socket = connect(Number(port), host)
    socket.on('error', () => {}) // A reset is one way of being shown the door.
    socket.resume()
    await once(socket, 'connect')
    closing.push(async () => { socket.destroy() })
    return socket
  }

  it('counts what is no frame, ends that connection and goes on', async () => {
    const model = await openGoldenModel('llama-bf16')
    const { engine, channel } = await start(model)
    const socket = await dial(engine)
    socket.write('GET / HTTP/1.1\r\nHost: a stranger who knows another protocol\r\nAccept: */*\r\n\r\n')
    await once(socket, 'close')
    expect(engine.stats().refused).toMatchObject({ malformed: 1 })
    expect((await ask(channel, frameFor(model, 1))).numTokens).toBe(2)
  })

  it('keeps a bounded number of connections that never say hello: the oldest goes first', async () => {
    const model = await openGoldenModel('llama-bf16')
    const { engine, channel } = await start(model)
    const oldest = await dial(engine)
    const closed = once(oldest, 'close')
    for (let i = 0; i < 64; i++) await dial(engine)
    await closed
    expect((await ask(channel, frameFor(model, 1))).numTokens).toBe(2)
  })

  it('says that it is overloaded when more frames wait than it holds', async () => {
    const model = await openGoldenModel('qwen3-moe-bf16')
    const { engine, channel } = await start(model, { maxQueuedFrames: 0 })
    await expect(ask(channel, frameFor(model, 1))).rejects.toMatchObject({ code: 'overloaded' })
    expect(engine.stats()).toMatchObject({ numFrames: 0, refused: { overloaded: 1 } })
  })

  it('answers zero rows with zeros, whatever is merged', async () => {
    const model = await openGoldenModel('llama-bf16')
    const { engine, channel } = await start(model)
    const frames = Array.from({ length: 16 }, (_, i) => frameFor(model, i + 1, { layerIdx: i % 2 }))
    const answers = await Promise.all(frames.map(frame => ask(channel, frame)))
    for (const [i, answer] of answers.entries()) {
      expect(answer).toMatchObject({ frameId: i + 1, layerIdx: i % 2, epoch: 4 })
      expect(answer.partials.every(byte => byte === 0)).toBe(true)
    }
    const { numFrames, numBatches, numTokens } = engine.stats()
    expect([numFrames, numTokens]).toEqual([16, 32])
    expect(numBatches).toBeLessThanOrEqual(numFrames)
  })

  it('serves several epochs, and drops what only retired ones used', async () => {
    const model = await openGoldenModel('llama-bf16')
    const { engine, channel } = await start(model)
    const whole = engine.info.weightBytes
    await engine.assign({ ...assignment, epoch: 5, rank: 0, size: 2, shards: { start: 0, end: 4 } })
    expect(engine.info.weightBytes).toBeGreaterThan(whole)
    expect((await ask(channel, frameFor(model, 1))).nodes).toEqual(Uint8Array.of(1))
    expect((await ask(channel, frameFor(model, 2, { epoch: 5 }))).nodes).toEqual(Uint8Array.of(2))
    engine.retire(5)
    expect(engine.info.weightBytes).toBeLessThan(whole)
    await expect(ask(channel, frameFor(model, 3))).rejects.toMatchObject({ code: 'epoch_stale' })
  })
})
