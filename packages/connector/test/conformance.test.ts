// What every connector must do, run over each of them.
import { afterEach, describe, expect, it } from 'vitest'
import { withResolvers } from '@tandem/core'
import { encodeFrame } from '../src/frame-codec.js'
import { headerOffsets } from '../src/frame-layout.js'
import { tokenDigestOf } from '../src/handshake.js'
import type { A2fDelivery, ConnectOptions, Connector, FfnChannel, FfnListener, ListenOptions } from '../src/types.js'
import { a2f, answerTo, hello, listenOptions } from './support/frames.js'
import { harnesses } from './support/harness.js'

const open: Array<{ close (): Promise<void> }> = []
afterEach(async () => { await Promise.all(open.splice(0).reverse().map(opened => opened.close())) })

async function listen (connector: Connector, options: Partial<ListenOptions> = {}): Promise<FfnListener> {
  const listener = await connector.listen({ ...listenOptions, ...options })
  open.push(listener)
  return listener
}

async function dial (connector: Connector, listener: FfnListener, options: Partial<ConnectOptions> = {}): Promise<FfnChannel> {
  const channel = await connector.connect(listener.endpoint, { hello: hello(), maxInFlight: 32, connectTimeoutMs: 10_000, ...options })
  open.push(channel)
  return channel
}

async function recv (listener: FfnListener): Promise<A2fDelivery> {
  const delivery = await listener.recvAttnOutput()
  if (delivery === null) throw new Error('the listener is closed')
  return delivery
}

/** Answers every frame with its own hidden states until the listener closes. */
async function echo (listener: FfnListener): Promise<void> {
  for (;;) {
    const delivery = await listener.recvAttnOutput()
    if (delivery === null) return
    listener.sendFfnOutput(delivery, answerTo(delivery.frame)).catch(() => {})
  }
}

/** Resolves when `listener` holds `count` frames: frames travel on their own time. */
async function untilQueued (listener: FfnListener, count: number): Promise<void> {
  while (listener.stats().queueLength < count) await new Promise(resolve => { setImmediate(resolve) })
}

describe.each(harnesses)('$name connector', ({ name, create, openRaw }) => {
  it.each([
    ['64 bytes', a2f({ numTokens: 1, hiddenSize: 16, topK: 0 })],
    ['36 KB of fp8 with experts', a2f({ numTokens: 32, hiddenSize: 1152, dtype: 'fp8_e4m3', topK: 8 })],
    ['74 KB of bf16', a2f({ numTokens: 32, hiddenSize: 1152, dtype: 'bf16' })],
    ['0.9 MB', a2f({ numTokens: 128, hiddenSize: 7168, dtype: 'fp8_e4m3', topK: 3 })]
  ])('carries %s there and back', async (_size, frame) => {
    const connector = create()
    const listener = await listen(connector)
    const channel = await dial(connector, listener)
    await channel.sendAttnOutput(frame)
    const delivery = await recv(listener)
    expect(encodeFrame(delivery.frame).equals(encodeFrame(frame))).toBe(true)
    const answer = answerTo(a2f({ ...frame, dtype: 'f32' }), [2, 3])
    await listener.sendFfnOutput(delivery, answer)
    expect(encodeFrame(await channel.recvFfnOutput(frame.frameId)).equals(encodeFrame(answer))).toBe(true)
  })

  it('keeps many frames of several channels apart', async () => {
    const connector = create()
    const listener = await listen(connector, { maxQueuedFrames: 128 })
    const served = echo(listener)
    const channels = await Promise.all([1, 2, 3].map(() => dial(connector, listener)))
    await Promise.all(channels.flatMap((channel, c) => Array.from({ length: 30 }, async (_, i) => {
      const frame = a2f({ frameId: i + 1, numTokens: 1 + (i * 7 + c) % 40, hiddenSize: 64 })
      await channel.sendAttnOutput(frame)
      expect(encodeFrame(await channel.recvFfnOutput(i + 1)).equals(encodeFrame(answerTo(frame)))).toBe(true)
    })))
    expect(listener.stats()).toMatchObject({ numChannels: 3, queueLength: 0, refused: {} })
    await listener.close()
    await served
  })

  it('answers out of order', async () => {
    const connector = create()
    const listener = await listen(connector)
    const channel = await dial(connector, listener)
    await channel.sendAttnOutput(a2f({ frameId: 1 }))
    await channel.sendAttnOutput(a2f({ frameId: 2 }))
    const first = await recv(listener)
    const second = await recv(listener)
    expect(second.channelId).toBe(first.channelId)
    await listener.sendFfnOutput(second, answerTo(second.frame))
    await channel.recvFfnOutput(2)
    await listener.sendFfnOutput(first, answerTo(first.frame))
    await channel.recvFfnOutput(1)
  })

  it('refuses to send more than the window, and opens it again with an answer', async () => {
    const connector = create()
    const listener = await listen(connector)
    const channel = await dial(connector, listener, { maxInFlight: 2 })
    await channel.sendAttnOutput(a2f({ frameId: 1 }))
    await channel.sendAttnOutput(a2f({ frameId: 2 }))
    await expect(channel.sendAttnOutput(a2f({ frameId: 3 }))).rejects.toMatchObject({ code: 'overloaded' })
    const served = echo(listener)
    await channel.recvFfnOutput(1)
    await channel.sendAttnOutput(a2f({ frameId: 3 }))
    await channel.recvFfnOutput(3)
    await listener.close()
    await served
  })

  it('answers "overloaded" when the queue is full, and counts it', async () => {
    const connector = create()
    const listener = await listen(connector, { maxQueuedFrames: 2 })
    const channel = await dial(connector, listener)
    for (let frameId = 1; frameId <= 3; frameId++) await channel.sendAttnOutput(a2f({ frameId }))
    await expect(channel.recvFfnOutput(3)).rejects.toMatchObject({ code: 'overloaded', retryable: true })
    expect(listener.stats()).toMatchObject({ queueLength: 2, refused: { overloaded: 1 } })
  })

  it('bounds what one channel may have unanswered, queued or not', async () => {
    const connector = create()
    const listener = await listen(connector, { maxQueuedFrames: 2 })
    const channel = await dial(connector, listener)
    await channel.sendAttnOutput(a2f({ frameId: 1 }))
    await channel.sendAttnOutput(a2f({ frameId: 2 }))
    const first = await recv(listener)
    await recv(listener)
    await channel.sendAttnOutput(a2f({ frameId: 3 }))
    await expect(channel.recvFfnOutput(3)).rejects.toMatchObject({ code: 'overloaded' })
    await listener.sendFfnOutput(first, answerTo(first.frame))
    await channel.recvFfnOutput(1)
    await channel.sendAttnOutput(a2f({ frameId: 4 }))
    expect((await recv(listener)).frame.frameId).toBe(4)
  })

  it('takes frames that wait for one layer and epoch out of the queue, across channels', async () => {
    const connector = create()
    const listener = await listen(connector)
    const [a, b] = [await dial(connector, listener), await dial(connector, listener)]
    const shapes = [{ layerIdx: 1 }, { layerIdx: 2 }, { layerIdx: 1, epoch: 5 }, { layerIdx: 1, numTokens: 10 }, { layerIdx: 1, numTokens: 4 }]
    for (const [i, shape] of shapes.entries()) {
      await (i % 2 === 0 ? a : b).sendAttnOutput(a2f({ frameId: i + 1, ...shape }))
      await untilQueued(listener, i + 1)
    }
    const first = await recv(listener)
    expect(first.frame.frameId).toBe(1)
    const merged = listener.takeWaiting(1, 4, 5)
    expect(merged.map(({ frame }) => frame.frameId)).toEqual([5])
    expect(listener.takeWaiting(1, 4, 100).map(({ frame }) => frame.frameId)).toEqual([4])
    expect(listener.stats().queueLength).toBe(2)
  })

  it.each(['stale_epoch', 'unknown_layer', 'malformed', 'internal'] as const)('carries a refusal as %s and keeps the channel', async status => {
    const connector = create()
    const listener = await listen(connector)
    const channel = await dial(connector, listener)
    await channel.sendAttnOutput(a2f({ frameId: 1 }))
    await listener.refuse(await recv(listener), status, 'because')
    const code = { stale_epoch: 'epoch_stale', unknown_layer: 'layer_unknown', malformed: 'frame_malformed', internal: 'peer_internal' }[status]
    await expect(channel.recvFfnOutput(1)).rejects.toMatchObject({ code, message: expect.stringContaining('because') })
    expect(listener.stats().refused).toEqual({ [status]: 1 })
    await channel.sendAttnOutput(a2f({ frameId: 2 }))
    expect((await recv(listener)).frame.frameId).toBe(2)
  })

  it('refuses a frame over the listener\'s limit and keeps the channel', async () => {
    const connector = create()
    const listener = await listen(connector, { maxFrameBytes: 1024 })
    const channel = await dial(connector, listener)
    await channel.sendAttnOutput(a2f({ frameId: 1, numTokens: 100 }))
    await expect(channel.recvFfnOutput(1)).rejects.toMatchObject({ code: 'frame_oversized' })
    await channel.sendAttnOutput(a2f({ frameId: 2 }))
    expect((await recv(listener)).frame.frameId).toBe(2)
    expect(listener.stats().refused).toEqual({ oversized: 1 })
  })

  it('does not send a malformed frame', async () => {
    const connector = create()
    const listener = await listen(connector)
    const channel = await dial(connector, listener, { maxInFlight: 1 })
    await expect(channel.sendAttnOutput({ ...a2f(), topK: 7 })).rejects.toMatchObject({ code: 'frame_malformed' })
    await channel.sendAttnOutput(a2f())
  })

  it.each([
    ['token', hello('wrong'), 'peer_unauthorized', 'unauthorized'],
    ['model', hello('secret', new Uint8Array(32)), 'peer_model_mismatch', 'model_mismatch']
  ] as const)('refuses a wrong %s', async (_what, wrong, code, status) => {
    const connector = create()
    const listener = await listen(connector)
    await expect(dial(connector, listener, { hello: wrong })).rejects.toMatchObject({ code })
    expect(listener.stats().refused).toEqual({ [status]: 1 })
    await dial(connector, listener)
    expect(listener.stats().numChannels).toBe(1)
  })

  it('tells the attention side at once when the listener closes', async () => {
    const connector = create()
    const listener = await listen(connector)
    const channel = await dial(connector, listener)
    const closed = withResolvers<string>()
    channel.onClose(reason => { closed.resolve(reason) })
    await channel.sendAttnOutput(a2f({ frameId: 1 }))
    const answer = channel.recvFfnOutput(1)
    answer.catch(() => {})
    await recv(listener)
    await listener.close()
    await expect(answer).rejects.toMatchObject({ code: 'peer_down', retryable: true })
    expect(await closed.promise).not.toBe('')
    await expect(channel.sendAttnOutput(a2f({ frameId: 2 }))).rejects.toMatchObject({ code: 'peer_down' })
    await expect(channel.recvFfnOutput(2)).rejects.toMatchObject({ code: 'peer_down' })
    expect(await listener.recvAttnOutput()).toBeNull()
    await expect(dial(connector, listener, { connectTimeoutMs: 500 })).rejects.toMatchObject({ code: 'connect_failed' })
  })

  it('drops what a channel that closed has left, and counts answers nobody waits for', async () => {
    const connector = create()
    const listener = await listen(connector)
    const channel = await dial(connector, listener)
    await channel.sendAttnOutput(a2f({ frameId: 1 }))
    await channel.sendAttnOutput(a2f({ frameId: 2 }))
    const delivery = await recv(listener)
    await untilQueued(listener, 1)
    await channel.close()
    while (listener.stats().numChannels > 0) await new Promise(resolve => { setImmediate(resolve) })
    expect(listener.stats().queueLength).toBe(0)
    await listener.sendFfnOutput(delivery, answerTo(delivery.frame))
    expect(listener.stats().dropped).toBe(2)
  })

  it('ends waiting receivers when it closes', async () => {
    const listener = await listen(create())
    const waiting = [listener.recvAttnOutput(), listener.recvAttnOutput()]
    await listener.close()
    expect(await Promise.all(waiting)).toEqual([null, null])
  })

  if (name !== 'loopback') {
    it('needs a token to listen where others can reach it', async () => {
      await expect(listen(create(''), { host: '0.0.0.0', tokenDigest: tokenDigestOf('') })).rejects.toMatchObject({ code: 'cluster_token_required' })
    })
  }

  if (openRaw !== undefined) {
    it('refuses malformed frames one by one and keeps the connection', async () => {
      const listener = await listen(create())
      const peer = await openRaw(listener.endpoint)
      peer.write(encodeFrame(hello()))
      expect(await peer.next()).toMatchObject({ kind: 'hello', workerId: 'ffn-1' })
      const wrong = encodeFrame(a2f({ frameId: 5 }))
      wrong.writeUInt32LE(99, headerOffsets.numTokens)
      peer.write(wrong)
      expect(await peer.next()).toMatchObject({ kind: 'error', frameId: 5, status: 'malformed' })
      peer.write(encodeFrame(a2f({ frameId: 6 })))
      expect((await recv(listener)).frame.frameId).toBe(6)
      expect(listener.stats().refused).toEqual({ malformed: 1 })
      peer.kill()
    })

    it('closes a connection whose first frame is no hello, or is longer than one', async () => {
      const listener = await listen(create())
      for (const first of [a2f(), a2f({ numTokens: 5000 })]) {
        const peer = await openRaw(listener.endpoint)
        peer.write(encodeFrame(first))
        expect(await peer.next()).toMatchObject({ kind: 'error' })
        await peer.closed
      }
      expect(listener.stats()).toMatchObject({ queueLength: 0, refused: { malformed: 1, oversized: 1 } })
    })

    it.each(['x', 'GET / HTTP/1.1\r\n\r\n', 'junk'.repeat(100)])('counts junk before the hello, once a connection: %j', async junk => {
      const listener = await listen(create())
      for (let count = 1; count <= 2; count++) {
        const peer = await openRaw(listener.endpoint)
        peer.write(Buffer.from(junk))
        expect(await peer.next()).toMatchObject({ kind: 'error', status: 'malformed' })
        await peer.closed
        expect(listener.stats()).toMatchObject({ numChannels: 0, refused: { malformed: count } })
      }
    })

    it('closes a connection that sends what only listeners send', async () => {
      const listener = await listen(create())
      const peer = await openRaw(listener.endpoint)
      peer.write(encodeFrame(hello()))
      await peer.next()
      peer.write(encodeFrame(answerTo(a2f())))
      expect(await peer.next()).toMatchObject({ kind: 'error', status: 'malformed' })
      await peer.closed
    })

    it('counts a hello that was cut off, and not a connection that said nothing', async () => {
      const listener = await listen(create())
      const silent = await openRaw(listener.endpoint)
      silent.kill()
      await silent.closed
      const cut = await openRaw(listener.endpoint)
      cut.write(encodeFrame(hello()).subarray(0, 70))
      if (name === 'tcp') cut.end()
      await cut.closed
      while (listener.stats().refused.malformed === undefined) await new Promise(resolve => { setImmediate(resolve) })
      expect(listener.stats().refused).toEqual({ malformed: 1 })
    })

    it('forgets a peer that was killed', async () => {
      const listener = await listen(create())
      const peer = await openRaw(listener.endpoint)
      peer.write(encodeFrame(hello()))
      await peer.next()
      peer.write(encodeFrame(a2f({ frameId: 1 })))
      await untilQueued(listener, 1)
      peer.kill()
      while (listener.stats().numChannels > 0) await new Promise(resolve => { setImmediate(resolve) })
      expect(listener.stats()).toMatchObject({ queueLength: 0, dropped: 1 })
    })
  }
})
