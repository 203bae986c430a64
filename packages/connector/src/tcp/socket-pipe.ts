// Owns one TCP connection as a pipe of frames: parsing, gathered writes, drain, close reasons.
import type { Socket } from 'node:net'
import { isTandemError, makeError } from '@tandem/core'
import { connectorErrors } from '../errors.js'
import { encodeFrameParts } from '../frame-codec.js'
import { MAX_HANDSHAKE_FRAME_BYTES } from '../pipe.js'
import type { FrameHandlers, FramePipe } from '../pipe.js'
import type { Frame } from '../types.js'
import { FrameStreamParser } from './stream-parser.js'

/** Below it one copy is cheaper than a gathered write. */
const COPY_BELOW_BYTES = 64 * 1024
/** A peer that vanished without a FIN is found by the kernel's probes. */
const KEEP_ALIVE_MS = 5_000
/** A closing peer that does not read is cut off after it. */
const CLOSE_TIMEOUT_MS = 1_000

export class SocketPipe implements FramePipe {
  readonly #parser: FrameStreamParser
  #handlers: FrameHandlers | null = null
  #closeReason = 'closed by the peer'
  #drained: Promise<void> | null = null
  #isClosing = false

  constructor (private readonly socket: Socket, readonly address: string) {
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    this.#parser = new FrameStreamParser(MAX_HANDSHAKE_FRAME_BYTES, {
      onFrame: frame => { if (!this.#isClosing) this.#handlers?.onFrame(frame) },
      onRefused: error => { if (!this.#isClosing) this.#handlers?.onRefused(error) }
    })
  }

  get isInsideFrame (): boolean { return this.#parser.isInsideFrame }

  start (handlers: FrameHandlers): void {
    this.#handlers = handlers
    this.socket.on('data', chunk => { this.#read(chunk) })
    this.socket.on('error', error => { this.#closeReason = error.message })
    this.socket.on('end', () => { this.socket.destroy() }) // Neither side uses half-open connections.
    this.socket.on('close', () => { handlers.onClosed(this.#closeReason) })
  }

  setMaxFrameBytes (maxFrameBytes: number): void { this.#parser.maxFrameBytes = maxFrameBytes }

  async send (frame: Frame): Promise<void> {
    const { parts, totalBytes } = encodeFrameParts(frame)
    if (this.#isClosing || this.socket.destroyed) {
      throw makeError(connectorErrors, 'peer_down', { address: this.address, reason: this.#closeReason })
    }
    if (!this.#write(parts, totalBytes)) await this.#untilDrained()
  }

  close (): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#closeReason = 'closed by this side'
    this.socket.end()
    const timer = setTimeout(() => { this.socket.destroy() }, CLOSE_TIMEOUT_MS)
    this.socket.once('close', () => { clearTimeout(timer) })
  }

  #write (parts: Uint8Array[], totalBytes: number): boolean {
    if (totalBytes < COPY_BELOW_BYTES) return this.socket.write(Buffer.concat(parts, totalBytes))
    this.socket.cork()
    let hasRoom = true
    for (const part of parts) hasRoom = this.socket.write(part)
    this.socket.uncork()
    return hasRoom
  }

  /** One promise for all who wait: resolves when there is room, or when the socket is gone. */
  #untilDrained (): Promise<void> {
    this.#drained ??= new Promise(resolve => {
      const done = (): void => {
        this.socket.off('drain', done)
        this.socket.off('close', done)
        this.#drained = null
        resolve()
      }
      this.socket.on('drain', done)
      this.socket.on('close', done)
    })
    return this.#drained
  }

  #read (chunk: Buffer): void {
    if (this.#isClosing) return
    try {
      this.#parser.push(chunk)
    } catch (error) {
      if (!isTandemError(error)) throw error
      this.#handlers?.onRefused(error)
      this.close()
    }
  }
}
