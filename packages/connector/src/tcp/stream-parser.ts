// Owns the cut of a byte stream into frames. Holds one header and at most one frame, allocated only after its
// size was checked; a frame that is refused is skipped without being stored.
import { isTandemError } from '@tandem/core'
import type { TandemError } from '@tandem/core'
import { checkHeader, decodeFrame } from '../frame-codec.js'
import { frameBytesOf, malformed, readHeader } from '../frame-header.js'
import { FRAME_HEADER_BYTES, FRAME_MAGIC, headerOffsets } from '../frame-layout.js'
import type { Frame } from '../types.js'

/** The first bytes of every frame. */
const magicBytes = Buffer.alloc(4)
magicBytes.writeUInt32LE(FRAME_MAGIC, headerOffsets.magic)

export interface ParserHandlers {
  onFrame (frame: Frame): void
  /** The frame was skipped; the stream goes on. */
  onRefused (error: TandemError): void
}

export class FrameStreamParser {
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES)
  #headerFilled = 0
  /** The frame that is being filled; null between frames and while skipping. */
  #body: Buffer | null = null
  #bodyFilled = 0
  #bytesToSkip = 0

  constructor (public maxFrameBytes: number, private readonly handlers: ParserHandlers) {}

  get isInsideFrame (): boolean { return this.#headerFilled > 0 || this.#body !== null || this.#bytesToSkip > 0 }

  /** Takes the next bytes. Throws `frame_malformed` when the stream cannot be followed any more. */
  push (chunk: Uint8Array): void {
    let rest = chunk
    while (rest.byteLength > 0) {
      if (this.#bytesToSkip > 0) rest = this.#skip(rest)
      else if (this.#body !== null) rest = this.#fillBody(this.#body, rest)
      else rest = this.#fillHeader(rest)
    }
  }

  #skip (chunk: Uint8Array): Uint8Array {
    const skipped = Math.min(this.#bytesToSkip, chunk.byteLength)
    this.#bytesToSkip -= skipped
    return chunk.subarray(skipped)
  }

  #fillHeader (chunk: Uint8Array): Uint8Array {
    const taken = Math.min(FRAME_HEADER_BYTES - this.#headerFilled, chunk.byteLength)
    this.#header.set(chunk.subarray(0, taken), this.#headerFilled)
    this.#headerFilled += taken
    this.#checkMagic()
    if (this.#headerFilled === FRAME_HEADER_BYTES) {
      this.#headerFilled = 0
      this.#beginFrame()
    }
    return chunk.subarray(taken)
  }

  /** At the first wrong byte: a peer that speaks another protocol may wait for an answer before it sends a header's worth. */
  #checkMagic (): void {
    for (let i = 0; i < Math.min(this.#headerFilled, magicBytes.length); i++) {
      if (this.#header[i] === magicBytes[i]) continue
      this.#headerFilled = 0
      throw malformed('wrong magic')
    }
  }

  #beginFrame (): void {
    const header = readHeader(this.#header)
    const frameBytes = frameBytesOf(header.sectionBytes)
    try {
      checkHeader(header, this.maxFrameBytes)
    } catch (error) {
      if (!isTandemError(error)) throw error
      this.#bytesToSkip = frameBytes - FRAME_HEADER_BYTES
      this.handlers.onRefused(error)
      return
    }
    // Its own allocation, so that views of its sections are aligned.
    this.#body = Buffer.allocUnsafeSlow(frameBytes)
    this.#body.set(this.#header)
    this.#bodyFilled = FRAME_HEADER_BYTES
    if (frameBytes === FRAME_HEADER_BYTES) this.#finishFrame(this.#body)
  }

  #fillBody (body: Buffer, chunk: Uint8Array): Uint8Array {
    const taken = Math.min(body.byteLength - this.#bodyFilled, chunk.byteLength)
    body.set(chunk.subarray(0, taken), this.#bodyFilled)
    this.#bodyFilled += taken
    if (this.#bodyFilled === body.byteLength) this.#finishFrame(body)
    return chunk.subarray(taken)
  }

  #finishFrame (body: Buffer): void {
    this.#body = null
    let frame: Frame
    try {
      frame = decodeFrame(body, body.byteLength)
    } catch (error) {
      if (!isTandemError(error)) throw error
      this.handlers.onRefused(error)
      return
    }
    this.handlers.onFrame(frame)
  }
}
