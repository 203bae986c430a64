// Owns frames <-> bytes. Decoding gives views into the given bytes where their alignment allows it; encoding
// copies nothing when the parts are written one by one.
import { endianness } from 'node:os'
import { assert, makeError } from '@tandem/core'
import { connectorErrors } from './errors.js'
import { frameBytesOf, headerFault, malformed, paddedBytes, readHeader, writeHeader } from './frame-header.js'
import type { FrameHeader, SectionBytes } from './frame-header.js'
import { FRAME_ALIGNMENT, FRAME_HEADER_BYTES, MAX_FRAME_BYTES } from './frame-layout.js'
import type { A2fFrame, ErrorFrame, F2aFrame, Frame, HelloFrame } from './types.js'

assert(endianness() === 'LE', 'frames are little-endian and so must this machine be')

const empty = new Uint8Array(0)
const zeros = new Uint8Array(FRAME_ALIGNMENT)
const utf8 = new TextEncoder()
const blankHeader: FrameHeader = {
  kind: 'hello',
  dtype: 'none',
  epoch: 0,
  workerNumber: 0,
  frameId: 0,
  layerIdx: 0,
  ubatchIdx: 0,
  numTokens: 0,
  hiddenSize: 0,
  topK: 0,
  numPartials: 0,
  sectionBytes: [0, 0, 0, 0],
  status: 'ok',
  computeUs: 0
}

type Sections = readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array]

export function bytesOf (array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

function sectionsOf (frame: Frame): Sections {
  switch (frame.kind) {
    case 'hello': return [frame.tokenDigest, frame.modelFingerprint, utf8.encode(frame.workerId), empty]
    case 'a2f': return [frame.hidden, bytesOf(frame.scales), bytesOf(frame.topkIds), bytesOf(frame.topkWeights)]
    case 'f2a': return [frame.partials, frame.nodes, empty, empty]
    case 'error': return [utf8.encode(frame.message), empty, empty, empty]
  }
}

function headerOf (frame: Frame, sections: Sections): FrameHeader {
  const sectionBytes: SectionBytes = [sections[0].byteLength, sections[1].byteLength, sections[2].byteLength, sections[3].byteLength]
  if (frame.kind === 'a2f' || frame.kind === 'f2a') {
    const { kind, dtype, epoch, workerNumber, frameId, layerIdx, ubatchIdx, numTokens, hiddenSize } = frame
    const own = { kind, dtype, epoch, workerNumber, frameId, layerIdx, ubatchIdx, numTokens, hiddenSize }
    return frame.kind === 'a2f'
      ? { ...blankHeader, ...own, topK: frame.topK, sectionBytes }
      : { ...blankHeader, ...own, numPartials: frame.nodes.length, computeUs: Math.min(frame.computeUs, 0xffffffff), sectionBytes }
  }
  if (frame.kind === 'hello') return { ...blankHeader, kind: 'hello', workerNumber: frame.workerNumber, sectionBytes }
  return { ...blankHeader, kind: 'error', epoch: frame.epoch, frameId: frame.frameId, status: frame.status, sectionBytes }
}

/** Throws what the receiver would refuse the frame with; returns the bytes it takes on the wire. */
export function checkFrame (frame: Frame, maxFrameBytes = MAX_FRAME_BYTES): number {
  return checkHeader(headerOf(frame, sectionsOf(frame)), maxFrameBytes)
}

/** Throws `frame_malformed` or `frame_oversized`; returns the bytes of the frame. */
export function checkHeader (header: FrameHeader, maxFrameBytes: number): number {
  const fault = headerFault(header)
  if (fault !== null) throw malformed(fault, header.frameId)
  const bytes = frameBytesOf(header.sectionBytes)
  if (bytes > maxFrameBytes) {
    throw makeError(connectorErrors, 'frame_oversized', { reason: `${bytes} bytes, the limit is ${maxFrameBytes}`, frameId: header.frameId })
  }
  return bytes
}

/** The frame as a list of pieces to write in order; large sections are views of the frame's own arrays. */
export function encodeFrameParts (frame: Frame): { readonly parts: Uint8Array[], readonly totalBytes: number } {
  const sections = sectionsOf(frame)
  const header = headerOf(frame, sections)
  const totalBytes = checkHeader(header, MAX_FRAME_BYTES)
  const parts = [writeHeader(header)]
  for (const section of sections) {
    if (section.byteLength === 0) continue
    parts.push(section)
    const padding = paddedBytes(section.byteLength) - section.byteLength
    if (padding > 0) parts.push(zeros.subarray(0, padding))
  }
  return { parts, totalBytes }
}

export function encodeFrame (frame: Frame): Buffer {
  const { parts, totalBytes } = encodeFrameParts(frame)
  return Buffer.concat(parts, totalBytes)
}

/** Decodes one whole frame. Throws `frame_malformed` or `frame_oversized`, with `frameId` among the facts when it was readable. */
export function decodeFrame (bytes: Uint8Array, maxFrameBytes = MAX_FRAME_BYTES): Frame {
  const header = readHeader(bytes)
  const frameBytes = checkHeader(header, maxFrameBytes)
  if (bytes.byteLength !== frameBytes) throw malformed(`${bytes.byteLength} bytes, the header says ${frameBytes}`, header.frameId)
  const sections = sliceSections(bytes, header)
  switch (header.kind) {
    case 'hello': return decodeHello(header, sections)
    case 'a2f': return decodeA2f(header, sections)
    case 'f2a': return decodeF2a(header, sections)
    case 'error': return decodeError(header, sections)
  }
}

function sliceSections (bytes: Uint8Array, header: FrameHeader): Sections {
  let offset = FRAME_HEADER_BYTES
  return header.sectionBytes.map(length => {
    const end = offset + length
    const next = offset + paddedBytes(length)
    for (let i = end; i < next; i++) {
      if (bytes[i] !== 0) throw malformed('padding is not zero', header.frameId)
    }
    const section = new Uint8Array(bytes.buffer, bytes.byteOffset + offset, length)
    offset = next
    return section
  }) as unknown as Sections
}

/** A typed view of `bytes`, or of a copy when they are not aligned for it. */
function aligned (bytes: Uint8Array, elementBytes: number): Uint8Array {
  return bytes.byteOffset % elementBytes === 0 ? bytes : new Uint8Array(bytes)
}

export function float32View (bytes: Uint8Array): Float32Array {
  const source = aligned(bytes, 4)
  return new Float32Array(source.buffer, source.byteOffset, source.byteLength / 4)
}

export function uint16View (bytes: Uint8Array): Uint16Array {
  const source = aligned(bytes, 2)
  return new Uint16Array(source.buffer, source.byteOffset, source.byteLength / 2)
}

function decodeA2f (header: FrameHeader, sections: Sections): A2fFrame {
  const { dtype, epoch, workerNumber, frameId, layerIdx, ubatchIdx, numTokens, hiddenSize, topK } = header
  return {
    kind: 'a2f',
    dtype,
    epoch,
    workerNumber,
    frameId,
    layerIdx,
    ubatchIdx,
    numTokens,
    hiddenSize,
    topK,
    hidden: sections[0],
    scales: float32View(sections[1]),
    topkIds: uint16View(sections[2]),
    topkWeights: float32View(sections[3])
  }
}

function decodeF2a (header: FrameHeader, sections: Sections): F2aFrame {
  const { dtype, epoch, workerNumber, frameId, layerIdx, ubatchIdx, numTokens, hiddenSize, computeUs } = header
  const [partials, nodes] = sections
  for (const node of nodes) {
    if (node < 1 || node > 15) throw malformed(`${node} is no tree node`, frameId)
  }
  return { kind: 'f2a', dtype, epoch, workerNumber, frameId, layerIdx, ubatchIdx, numTokens, hiddenSize, computeUs, partials, nodes }
}

function decodeHello (header: FrameHeader, sections: Sections): HelloFrame {
  const [tokenDigest, modelFingerprint, workerId] = sections
  return { kind: 'hello', workerNumber: header.workerNumber, workerId: Buffer.from(workerId).toString('utf8'), tokenDigest, modelFingerprint }
}

function decodeError (header: FrameHeader, sections: Sections): ErrorFrame {
  const { epoch, frameId, status } = header
  return { kind: 'error', epoch, frameId, status, message: Buffer.from(sections[0]).toString('utf8') }
}
