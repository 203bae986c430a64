// Owns one Exchange stream as a pipe of frames, for either end of it. One message is one frame, so a malformed
// one never costs the connection.
import { isTandemError, makeError, withResolvers } from '@tandem/core'
import type { PromiseWithResolvers } from '@tandem/core'
import type { ConnectorFrameMessage } from '@tandem/protocol'
import { connectorErrors } from '../errors.js'
import { decodeFrame, encodeFrame } from '../frame-codec.js'
import { MAX_HANDSHAKE_FRAME_BYTES } from '../pipe.js'
import type { FrameHandlers, FramePipe } from '../pipe.js'
import type { Frame } from '../types.js'

/** What ClientDuplexStream and ServerDuplexStream have in common. */
export interface ExchangeStream {
  on (event: 'data', listener: (message: { frame: Buffer }) => void): unknown
  on (event: 'error', listener: (error: Error) => void): unknown
  on (event: 'end' | 'close' | 'cancelled', listener: () => void): unknown
  once (event: 'drain', listener: () => void): unknown
  write (message: ConnectorFrameMessage): boolean
  end (): unknown
}

export class StreamPipe implements FramePipe {
  /** A message is a whole frame. */
  readonly isInsideFrame = false
  #handlers: FrameHandlers | null = null
  #maxFrameBytes = MAX_HANDSHAKE_FRAME_BYTES
  #closedReason: string | null = null
  #isEnding = false
  #drained: PromiseWithResolvers<void> | null = null

  /** `abandon` ends the call for good when the other side does not. */
  constructor (private readonly stream: ExchangeStream, readonly address: string, private readonly abandon: () => void) {
    stream.on('error', error => { this.#end(error.message) })
    stream.on('cancelled', () => { this.#end('cancelled by the peer') })
    stream.on('close', () => { this.#end('closed by the peer') })
    stream.on('end', () => {
      this.#end('closed by the peer')
      this.stream.end()
    })
  }

  start (handlers: FrameHandlers): void {
    this.#handlers = handlers
    if (this.#closedReason !== null) { handlers.onClosed(this.#closedReason); return }
    this.stream.on('data', message => { this.#read(message.frame) })
  }

  setMaxFrameBytes (maxFrameBytes: number): void { this.#maxFrameBytes = maxFrameBytes }

  async send (frame: Frame): Promise<void> {
    const bytes = encodeFrame(frame)
    if (this.#isEnding || this.#closedReason !== null) {
      throw makeError(connectorErrors, 'peer_down', { address: this.address, reason: this.#closedReason ?? 'closed by this side' })
    }
    if (!this.stream.write({ frame: bytes })) await this.#untilDrained()
  }

  close (): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.stream.end()
    this.#end('closed by this side')
    this.abandon()
  }

  #read (bytes: Buffer): void {
    if (this.#closedReason !== null) return
    let frame: Frame
    try {
      frame = decodeFrame(bytes, this.#maxFrameBytes)
    } catch (error) {
      if (!isTandemError(error)) throw error
      this.#handlers?.onRefused(error)
      return
    }
    this.#handlers?.onFrame(frame)
  }

  #untilDrained (): Promise<void> {
    if (this.#drained === null) {
      this.#drained = withResolvers()
      this.stream.once('drain', () => { this.#release() })
    }
    return this.#drained.promise
  }

  #release (): void {
    this.#drained?.resolve()
    this.#drained = null
  }

  #end (reason: string): void {
    if (this.#closedReason !== null) return
    this.#closedReason = reason
    this.#release()
    this.#handlers?.onClosed(reason)
  }
}
