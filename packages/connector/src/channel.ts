// Owns the attention side of a channel over any pipe: the hello, the window of unanswered frames, and the
// matching of answers to frame ids. Knows no socket.
import { isTandemError, makeError, withResolvers } from '@tandem/core'
import type { ConnectorKind, TandemError } from '@tandem/core'
import { connectorErrors, errorOfStatus } from './errors.js'
import { MAX_FRAME_BYTES } from './frame-layout.js'
import { helloFault } from './handshake.js'
import type { FramePipe } from './pipe.js'
import type { A2fFrame, ConnectOptions, F2aFrame, FfnChannel, Frame } from './types.js'

interface Pending {
  readonly answer: Promise<F2aFrame>
  resolve (frame: F2aFrame): void
  reject (error: TandemError): void
}

/** Greets the listener behind `pipe`. Throws `peer_unauthorized`, `peer_model_mismatch`, `peer_down` or `connect_failed`. */
export async function openChannel (kind: ConnectorKind, pipe: FramePipe, options: ConnectOptions): Promise<FfnChannel> {
  const channel = new PipeChannel(kind, pipe, options)
  const timer = setTimeout(() => { channel.fail(`no hello within ${options.connectTimeoutMs} ms`) }, options.connectTimeoutMs)
  try {
    await channel.greet()
    return channel
  } catch (error) {
    pipe.close()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

class PipeChannel implements FfnChannel {
  readonly #pending = new Map<number, Pending>()
  readonly #closeListeners: Array<(reason: string) => void> = []
  readonly #greeted: Promise<void>
  #settleGreeting: { resolve (): void, reject (error: TandemError): void }
  #isGreeted = false
  #closedReason: string | null = null

  constructor (readonly kind: ConnectorKind, private readonly pipe: FramePipe, private readonly options: ConnectOptions) {
    const { promise, resolve, reject } = withResolvers<void>()
    this.#greeted = promise
    this.#settleGreeting = { resolve, reject }
    pipe.start({
      onFrame: frame => { this.#receive(frame) },
      onRefused: error => { this.fail(`the peer sent a bad frame: ${error.message}`) },
      onClosed: reason => { this.fail(reason) }
    })
  }

  async greet (): Promise<void> {
    await this.pipe.send(this.options.hello)
    await this.#greeted
  }

  async sendAttnOutput (frame: A2fFrame): Promise<void> {
    if (this.#closedReason !== null) throw this.#down(this.#closedReason)
    if (this.#pending.size >= this.options.maxInFlight) {
      throw makeError(connectorErrors, 'overloaded', { reason: `${this.options.maxInFlight} frames are unanswered` })
    }
    const { promise, resolve, reject } = withResolvers<F2aFrame>()
    promise.catch(() => {}) // A frame whose answer nobody asked for yet must not count as unhandled.
    this.#pending.set(frame.frameId, { answer: promise, resolve, reject })
    try {
      await this.pipe.send(frame)
    } catch (error) {
      this.#pending.delete(frame.frameId)
      throw error
    }
  }

  async recvFfnOutput (frameId: number): Promise<F2aFrame> {
    const pending = this.#pending.get(frameId)
    if (pending === undefined) {
      throw this.#closedReason !== null
        ? this.#down(this.#closedReason)
        : makeError(connectorErrors, 'frame_malformed', { reason: `frame ${frameId} is not in flight`, frameId })
    }
    try {
      return await pending.answer
    } finally {
      this.#pending.delete(frameId)
    }
  }

  onClose (listener: (reason: string) => void): void {
    if (this.#closedReason === null) this.#closeListeners.push(listener)
    else listener(this.#closedReason)
  }

  async close (): Promise<void> {
    this.fail('closed by this side')
  }

  /** Ends the channel: everything unanswered is rejected with `peer_down`. */
  fail (reason: string): void {
    if (this.#closedReason !== null) return
    this.#closedReason = reason
    this.pipe.close()
    const error = this.#down(reason)
    this.#settleGreeting.reject(error)
    this.#greeted.catch(() => {})
    for (const pending of this.#pending.values()) pending.reject(error)
    for (const listener of this.#closeListeners) listener(reason)
  }

  #receive (frame: Frame): void {
    if (frame.kind === 'hello') this.#receiveHello(frame)
    else if (frame.kind === 'error' && (!this.#isGreeted || frame.frameId === 0)) this.#refused(errorOfStatus(frame.status, frame.message))
    else if (frame.kind === 'error') this.#pending.get(frame.frameId)?.reject(errorOfStatus(frame.status, frame.message))
    else if (frame.kind === 'f2a') this.#pending.get(frame.frameId)?.resolve(frame)
    else this.fail('the peer sent an a2f frame')
  }

  #receiveHello (frame: Extract<Frame, { kind: 'hello' }>): void {
    const fault = helloFault(frame, this.options.hello)
    if (fault !== null) { this.#refused(errorOfStatus(fault, 'its hello does not match')); return }
    this.#isGreeted = true
    this.pipe.setMaxFrameBytes(MAX_FRAME_BYTES)
    this.#settleGreeting.resolve()
  }

  /** The listener refused the channel as a whole. */
  #refused (error: TandemError): void {
    this.#settleGreeting.reject(error)
    this.#greeted.catch(() => {})
    this.fail(error.message)
  }

  #down (reason: string): TandemError {
    return makeError(connectorErrors, 'peer_down', { address: this.pipe.address, reason })
  }
}

/** Wraps whatever kept a transport from connecting. */
export function connectFailed (connector: ConnectorKind, address: string, cause: unknown): TandemError {
  if (isTandemError(cause)) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return makeError(connectorErrors, 'connect_failed', { connector, address, reason }, { cause })
}
