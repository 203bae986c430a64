// Owns the FFN side over any transport: admission of channels, the one bounded queue of frames, answers and
// refusals. A frame that cannot be served is answered with a typed error frame, never dropped in silence.
import { withResolvers } from '@tandem/core'
import type { ConnectorKind, FfnEndpoint, TandemError } from '@tandem/core'
import { statusOfError } from './errors.js'
import type { FrameStatus } from './frame-layout.js'
import { helloFault } from './handshake.js'
import type { FramePipe } from './pipe.js'
import type { A2fDelivery, A2fFrame, F2aFrame, FfnListener, Frame, ListenerStats, ListenOptions } from './types.js'

/** A peer that connected and stays silent is closed after it. */
const HELLO_TIMEOUT_MS = 5_000
/** Channels of one listener; far above any pool of attention workers. */
export const MAX_CHANNELS = 1024

interface ServerChannel {
  readonly pipe: FramePipe
  isGreeted: boolean
  /** Something was wrong before the hello: it was counted and the pipe is closing. */
  isTurnedAway: boolean
  /** Frames accepted whose answer has not been written yet. */
  numUnanswered: number
}

/** The part of a listener that is the same for every transport. */
export class ListenerCore {
  readonly #channels = new Map<number, ServerChannel>()
  readonly #refused: Partial<Record<FrameStatus, number>> = {}
  #queue: A2fDelivery[] = []
  #waiters: Array<(delivery: A2fDelivery | null) => void> = []
  #nextChannelId = 1
  #numDropped = 0
  #isClosed = false

  constructor (private readonly options: ListenOptions) {}

  /** Serves a pipe that a peer opened. */
  attach (pipe: FramePipe): void {
    if (this.#isClosed || this.#channels.size >= MAX_CHANNELS) { pipe.close(); return }
    const channelId = this.#nextChannelId++
    const channel: ServerChannel = { pipe, isGreeted: false, isTurnedAway: false, numUnanswered: 0 }
    this.#channels.set(channelId, channel)
    const timer = setTimeout(() => { pipe.close() }, HELLO_TIMEOUT_MS)
    pipe.start({
      onFrame: frame => {
        if (channel.isGreeted) this.#receive(channelId, channel, frame)
        else if (!channel.isTurnedAway && this.#greet(channel, frame)) clearTimeout(timer)
      },
      onRefused: error => { this.#refuseUnread(channel, error) },
      onClosed: () => {
        clearTimeout(timer)
        // Cut off in its hello: nothing will complete it, and nobody else would count it.
        if (!channel.isGreeted && !channel.isTurnedAway && pipe.isInsideFrame) this.#count('malformed')
        this.#detach(channelId)
      }
    })
  }

  /** Somebody who did not even open the transport's own connection. */
  countStranger (): void { this.#count('malformed') }

  recvAttnOutput (): Promise<A2fDelivery | null> {
    const next = this.#queue.shift()
    if (next !== undefined) return Promise.resolve(next)
    if (this.#isClosed) return Promise.resolve(null)
    const { promise, resolve } = withResolvers<A2fDelivery | null>()
    this.#waiters.push(resolve)
    return promise
  }

  takeWaiting (layerIdx: number, epoch: number, maxTokens: number): A2fDelivery[] {
    const taken: A2fDelivery[] = []
    const left: A2fDelivery[] = []
    let numTokens = 0
    for (const delivery of this.#queue) {
      const { frame } = delivery
      const fits = frame.layerIdx === layerIdx && frame.epoch === epoch && numTokens + frame.numTokens <= maxTokens
      if (fits) numTokens += frame.numTokens
      ;(fits ? taken : left).push(delivery)
    }
    if (taken.length > 0) this.#queue = left
    return taken
  }

  async sendFfnOutput (delivery: A2fDelivery, frame: F2aFrame): Promise<void> {
    await this.#answer(delivery, frame)
  }

  async refuse (delivery: A2fDelivery, status: FrameStatus, message: string): Promise<void> {
    this.#count(status)
    const { epoch, frameId } = delivery.frame
    await this.#answer(delivery, { kind: 'error', epoch, frameId, status, message })
  }

  stats (): ListenerStats {
    const numChannels = [...this.#channels.values()].filter(channel => channel.isGreeted).length
    return { numChannels, queueLength: this.#queue.length, refused: { ...this.#refused }, dropped: this.#numDropped }
  }

  /** Ends every channel and everyone who waits for a frame. */
  close (): void {
    this.#isClosed = true
    this.#queue = []
    for (const waiter of this.#waiters.splice(0)) waiter(null)
    for (const channel of this.#channels.values()) channel.pipe.close()
  }

  #greet (channel: ServerChannel, frame: Frame): boolean {
    const fault = frame.kind === 'hello' ? helloFault(frame, this.options) : 'malformed'
    if (fault !== null) {
      const message = frame.kind === 'hello' ? 'the hello does not match this worker' : 'the first frame must be a hello'
      this.#turnAway(channel, 0, fault, message)
      return false
    }
    channel.isGreeted = true
    channel.pipe.setMaxFrameBytes(this.options.maxFrameBytes)
    const { tokenDigest, modelFingerprint, workerId } = this.options
    channel.pipe.send({ kind: 'hello', workerNumber: 0, workerId, tokenDigest, modelFingerprint }).catch(() => {})
    return true
  }

  #receive (channelId: number, channel: ServerChannel, frame: Frame): void {
    if (frame.kind !== 'a2f') {
      this.#sendError(channel, 0, 0, 'malformed', `a ${frame.kind} frame is not expected here`)
      channel.pipe.close()
      return
    }
    const limit = this.options.maxQueuedFrames
    if (this.#queue.length >= limit || channel.numUnanswered >= limit) {
      this.#sendError(channel, frame.epoch, frame.frameId, 'overloaded', `${limit} frames are waiting`)
      return
    }
    channel.numUnanswered++
    this.#enqueue({ channelId, frame })
  }

  #enqueue (delivery: { channelId: number, frame: A2fFrame }): void {
    const waiter = this.#waiters.shift()
    if (waiter === undefined) this.#queue.push(delivery)
    else waiter(delivery)
  }

  #refuseUnread (channel: ServerChannel, error: TandemError): void {
    const frameId = typeof error.facts.frameId === 'number' ? error.facts.frameId : 0
    if (channel.isGreeted) this.#sendError(channel, 0, frameId, statusOfError(error), error.message)
    else this.#turnAway(channel, frameId, statusOfError(error), error.message)
  }

  #turnAway (channel: ServerChannel, frameId: number, status: FrameStatus, message: string): void {
    if (channel.isTurnedAway) return
    channel.isTurnedAway = true
    this.#sendError(channel, 0, frameId, status, message)
    channel.pipe.close()
  }

  #sendError (channel: ServerChannel, epoch: number, frameId: number, status: FrameStatus, message: string): void {
    this.#count(status)
    channel.pipe.send({ kind: 'error', epoch, frameId, status, message }).catch(() => { this.#numDropped++ })
  }

  async #answer (delivery: A2fDelivery, frame: Frame): Promise<void> {
    const channel = this.#channels.get(delivery.channelId)
    if (channel === undefined) { this.#numDropped++; return }
    try {
      await channel.pipe.send(frame)
    } catch {
      this.#numDropped++
    } finally {
      channel.numUnanswered--
    }
  }

  /** Frames of a channel that is gone are not worth computing. */
  #detach (channelId: number): void {
    this.#channels.delete(channelId)
    const before = this.#queue.length
    this.#queue = this.#queue.filter(delivery => delivery.channelId !== channelId)
    this.#numDropped += before - this.#queue.length
  }

  #count (status: FrameStatus): void {
    this.#refused[status] = (this.#refused[status] ?? 0) + 1
  }
}

/** Joins the core with what only the transport knows. */
export function listenerOf (
  core: ListenerCore, connector: ConnectorKind, address: string, closeTransport: () => Promise<void>
): FfnListener {
  const endpoint: FfnEndpoint = { connector, address }
  return {
    endpoint,
    recvAttnOutput: () => core.recvAttnOutput(),
    takeWaiting: (layerIdx, epoch, maxTokens) => core.takeWaiting(layerIdx, epoch, maxTokens),
    sendFfnOutput: (delivery, frame) => core.sendFfnOutput(delivery, frame),
    refuse: (delivery, status, message) => core.refuse(delivery, status, message),
    stats: () => core.stats(),
    async close () {
      core.close()
      await closeTransport()
    }
  }
}
