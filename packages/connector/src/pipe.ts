// Owns the contract between a transport (loopback, tcp, grpc) and what runs over it: whole frames, in order,
// with back-pressure. Handshake, window and queue live above it (channel.ts, listener.ts).
import type { TandemError } from '@tandem/core'
import type { Frame } from './types.js'

/** Largest frame before the handshake is done: a hello is below 512 bytes. */
export const MAX_HANDSHAKE_FRAME_BYTES = 4096

export interface FrameHandlers {
  onFrame (frame: Frame): void
  /** A frame that was refused while it was read; the pipe goes on unless it closes next. */
  onRefused (error: TandemError): void
  /** Called once; nothing follows. */
  onClosed (reason: string): void
}

export interface FramePipe {
  /** What the other end is called in messages. */
  readonly address: string
  /** Some bytes of the next frame have come, and the rest may never. */
  readonly isInsideFrame: boolean
  /** Frames that arrived before are delivered after this call. */
  start (handlers: FrameHandlers): void
  /** Largest frame accepted from now on. */
  setMaxFrameBytes (maxFrameBytes: number): void
  /** Resolves when the transport has room for another one; rejects `peer_down` or, before anything is sent, `frame_malformed`. */
  send (frame: Frame): Promise<void>
  /** Sends what was handed over, then closes. */
  close (): void
}
