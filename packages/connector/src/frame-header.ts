// Owns the 64-byte header: reading it, writing it, and the arithmetic that says how long each section of a
// frame must be. Allocates nothing for the payload.
import { makeError } from '@tandem/core'
import type { TandemError } from '@tandem/core'
import { connectorErrors } from './errors.js'
import {
  FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FRAME_MAGIC, FRAME_VERSION, frameDtypes, frameKinds, frameStatuses, headerOffsets
} from './frame-layout.js'
import type { FrameDtype, FrameKind, FrameStatus } from './frame-layout.js'

/** Hello and error texts: enough for an id or one line. */
export const MAX_WORKER_ID_BYTES = 256
export const MAX_MESSAGE_BYTES = 2048
export const DIGEST_BYTES = 32
/** Channels that share one fp8 scale. */
export const SCALE_GROUP = 128
/** A tree over 8 leaves has at most 8 roots, with ids 1..15. */
const MAX_PARTIALS = 8

export type SectionBytes = readonly [number, number, number, number]

export interface FrameHeader {
  readonly kind: FrameKind
  readonly dtype: FrameDtype
  readonly epoch: number
  readonly workerNumber: number
  readonly frameId: number
  readonly layerIdx: number
  readonly ubatchIdx: number
  readonly numTokens: number
  readonly hiddenSize: number
  readonly topK: number
  readonly numPartials: number
  readonly sectionBytes: SectionBytes
  readonly status: FrameStatus
  readonly computeUs: number
}

const kindOf = new Map<number, FrameKind>(Object.entries(frameKinds).map(([name, code]) => [code, name as FrameKind]))
const dtypeOf = new Map<number, FrameDtype>(Object.entries(frameDtypes).map(([name, code]) => [code, name as FrameDtype]))
const statusOf = new Map<number, FrameStatus>(Object.entries(frameStatuses).map(([name, code]) => [code, name as FrameStatus]))

export function paddedBytes (bytes: number): number {
  return Math.ceil(bytes / FRAME_ALIGNMENT) * FRAME_ALIGNMENT
}

/** Bytes of the whole frame: header and padded sections. */
export function frameBytesOf (sections: SectionBytes): number {
  return FRAME_HEADER_BYTES + paddedBytes(sections[0]) + paddedBytes(sections[1]) + paddedBytes(sections[2]) + paddedBytes(sections[3])
}

export function bytesPerElement (dtype: FrameDtype): number {
  return { none: 0, f32: 4, bf16: 2, fp8_e4m3: 1 }[dtype]
}

export function malformed (reason: string, frameId?: number): TandemError {
  return makeError(connectorErrors, 'frame_malformed', { reason, frameId })
}

/**
 * Reads a header. Throws `frame_malformed` for a wrong magic, version or code: after it, where the next frame
 * of a stream starts is unknown.
 */
export function readHeader (bytes: Uint8Array): FrameHeader {
  if (bytes.byteLength < FRAME_HEADER_BYTES) throw malformed(`${bytes.byteLength} bytes are no header`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEADER_BYTES)
  const at = headerOffsets
  if (view.getUint32(at.magic, true) !== FRAME_MAGIC) throw malformed('wrong magic')
  const version = view.getUint16(at.version, true)
  if (version !== FRAME_VERSION) throw malformed(`version ${version}, this side speaks ${FRAME_VERSION}`)
  const frameId = Number(view.getBigUint64(at.frameId, true))
  if (!Number.isSafeInteger(frameId)) throw malformed('frame id above 2^53')
  const kind = kindOf.get(view.getUint8(at.kind))
  const dtype = dtypeOf.get(view.getUint8(at.dtype))
  const status = statusOf.get(view.getUint32(at.status, true))
  if (kind === undefined) throw malformed(`unknown kind ${view.getUint8(at.kind)}`, frameId)
  if (dtype === undefined) throw malformed(`unknown dtype ${view.getUint8(at.dtype)}`, frameId)
  if (status === undefined) throw malformed(`unknown status ${view.getUint32(at.status, true)}`, frameId)
  return {
    kind,
    dtype,
    status,
    frameId,
    epoch: view.getUint32(at.epoch, true),
    workerNumber: view.getUint32(at.workerNumber, true),
    layerIdx: view.getUint16(at.layerIdx, true),
    ubatchIdx: view.getUint16(at.ubatchIdx, true),
    numTokens: view.getUint32(at.numTokens, true),
    hiddenSize: view.getUint32(at.hiddenSize, true),
    topK: view.getUint16(at.topK, true),
    numPartials: view.getUint16(at.numPartials, true),
    sectionBytes: [
      view.getUint32(at.section0Bytes, true), view.getUint32(at.section1Bytes, true),
      view.getUint32(at.section2Bytes, true), view.getUint32(at.section3Bytes, true)
    ],
    computeUs: view.getUint32(at.computeUs, true)
  }
}

export function writeHeader (header: FrameHeader): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  const at = headerOffsets
  view.setUint32(at.magic, FRAME_MAGIC, true)
  view.setUint16(at.version, FRAME_VERSION, true)
  view.setUint8(at.kind, frameKinds[header.kind])
  view.setUint8(at.dtype, frameDtypes[header.dtype])
  view.setUint32(at.epoch, header.epoch, true)
  view.setUint32(at.workerNumber, header.workerNumber, true)
  view.setBigUint64(at.frameId, BigInt(header.frameId), true)
  view.setUint16(at.layerIdx, header.layerIdx, true)
  view.setUint16(at.ubatchIdx, header.ubatchIdx, true)
  view.setUint32(at.numTokens, header.numTokens, true)
  view.setUint32(at.hiddenSize, header.hiddenSize, true)
  view.setUint16(at.topK, header.topK, true)
  view.setUint16(at.numPartials, header.numPartials, true)
  view.setUint32(at.section0Bytes, header.sectionBytes[0], true)
  view.setUint32(at.section1Bytes, header.sectionBytes[1], true)
  view.setUint32(at.section2Bytes, header.sectionBytes[2], true)
  view.setUint32(at.section3Bytes, header.sectionBytes[3], true)
  view.setUint32(at.status, frameStatuses[header.status], true)
  view.setUint32(at.computeUs, header.computeUs, true)
  return bytes
}

/** Why the header contradicts itself, or null. The section lengths are trustworthy for skipping either way. */
export function headerFault (header: FrameHeader): string | null {
  const [s0, s1, s2, s3] = header.sectionBytes
  const { kind, numTokens, hiddenSize, topK, numPartials, dtype } = header
  if (kind === 'hello') {
    if (s0 !== DIGEST_BYTES || s1 !== DIGEST_BYTES) return 'hello digests are not 32 bytes'
    return s2 > MAX_WORKER_ID_BYTES || s3 !== 0 ? 'hello worker id is too long' : null
  }
  if (kind === 'error') {
    if (header.status === 'ok') return 'error frame without a status'
    return s0 > MAX_MESSAGE_BYTES || s1 + s2 + s3 !== 0 ? 'error message is too long' : null
  }
  if (numTokens < 1 || hiddenSize < 1) return 'no tokens or no channels'
  if (dtype === 'none') return 'activations without a dtype'
  const elements = numTokens * hiddenSize
  if (kind === 'f2a') {
    if (dtype === 'fp8_e4m3') return 'partial sums in fp8'
    if (numPartials < 1 || numPartials > MAX_PARTIALS) return `${numPartials} partial sums`
    if (s0 !== numPartials * elements * bytesPerElement(dtype)) return `section 0 has ${s0} bytes`
    return s1 !== numPartials || s2 + s3 !== 0 ? 'tree nodes do not match the partial sums' : null
  }
  const scales = dtype === 'fp8_e4m3' ? 4 * numTokens * Math.ceil(hiddenSize / SCALE_GROUP) : 0
  if (s0 !== elements * bytesPerElement(dtype)) return `section 0 has ${s0} bytes`
  if (s1 !== scales) return `section 1 has ${s1} bytes`
  if (s2 !== 2 * numTokens * topK) return `section 2 has ${s2} bytes`
  return s3 !== 4 * numTokens * topK ? `section 3 has ${s3} bytes` : null
}
