import { describe, expect, it } from 'vitest'
import { decodeFrame, encodeFrame, encodeFrameParts } from '../src/frame-codec.js'
import { FRAME_ALIGNMENT, headerOffsets } from '../src/frame-layout.js'
import type { A2fFrame, Frame } from '../src/types.js'
import { a2f, answerTo, hello } from './support/frames.js'

const frames: Array<[string, Frame]> = [
  ['hello', hello()],
  ['f32 a2f', a2f()],
  ['bf16 a2f of a dense layer', a2f({ dtype: 'bf16', topK: 0 })],
  ['fp8 a2f', a2f({ dtype: 'fp8_e4m3', hiddenSize: 300 })],
  ['f2a', answerTo(a2f(), [2, 6, 14])],
  ['error', { kind: 'error', epoch: 2, frameId: 2 ** 40, status: 'overloaded', message: 'zu viel: ü' }]
]

/** The bytes of a frame with one header field overwritten. */
function tampered (frame: Frame, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(encodeFrame(frame))
  write(new DataView(bytes.buffer))
  return bytes
}

describe('frame codec', () => {
  it.each(frames)('round-trips a %s frame', (_name, frame) => {
    const bytes = encodeFrame(frame)
    expect(bytes.length % FRAME_ALIGNMENT).toBe(0)
    expect(encodeFrame(decodeFrame(bytes))).toEqual(bytes)
    expect(decodeFrame(bytes)).toEqual(frame)
  })

  it('writes the layout of frame-layout.ts', () => {
    const bytes = encodeFrame(a2f({ frameId: 0x0102030405, numTokens: 3, hiddenSize: 8, topK: 2 }))
    expect(bytes.subarray(0, 8).toString('hex')).toBe('54444d3101000201')
    expect(bytes.subarray(16, 24).toString('hex')).toBe('0504030201000000')
    expect([40, 44, 48, 52].map(offset => bytes.readUInt32LE(offset))).toEqual([96, 0, 12, 24])
    expect(bytes.length).toBe(64 + 128 + 64 + 64)
  })

  it('gives views into aligned bytes and copies of the rest', () => {
    const bytes = new Uint8Array(encodeFrame(a2f()))
    const frame = decodeFrame(bytes) as A2fFrame
    expect(frame.hidden.buffer).toBe(bytes.buffer)
    expect(frame.topkWeights.buffer).toBe(bytes.buffer)
    const shifted = new Uint8Array(bytes.length + 1)
    shifted.set(bytes, 1)
    expect((decodeFrame(shifted.subarray(1)) as A2fFrame).topkWeights).toEqual(frame.topkWeights)
  })

  it('writes large sections without copying them', () => {
    const frame = a2f({ numTokens: 100 })
    expect(encodeFrameParts(frame).parts).toContain(frame.hidden)
  })

  it.each<[string, (view: DataView) => void]>([
    ['magic', view => { view.setUint32(headerOffsets.magic, 1, true) }],
    ['version', view => { view.setUint16(headerOffsets.version, 2, true) }],
    ['kind', view => { view.setUint8(headerOffsets.kind, 5) }],
    ['dtype', view => { view.setUint8(headerOffsets.dtype, 9) }],
    ['missing dtype', view => { view.setUint8(headerOffsets.dtype, 0) }],
    ['status', view => { view.setUint32(headerOffsets.status, 99, true) }],
    ['frame id', view => { view.setUint32(headerOffsets.frameId + 4, 2 ** 31, true) }],
    ['number of tokens', view => { view.setUint32(headerOffsets.numTokens, 4, true) }],
    ['hidden size', view => { view.setUint32(headerOffsets.hiddenSize, 7, true) }],
    ['huge product', view => { view.setUint32(headerOffsets.numTokens, 2 ** 31, true); view.setUint32(headerOffsets.hiddenSize, 2 ** 31, true) }],
    ['no tokens', view => { view.setUint32(headerOffsets.numTokens, 0, true) }],
    ['top k', view => { view.setUint16(headerOffsets.topK, 3, true) }],
    ['scales', view => { view.setUint32(headerOffsets.section1Bytes, 4, true) }],
    ['padding', view => { view.setUint8(64 + 96, 1) }]
  ])('refuses a wrong %s', (_name, write) => {
    expect(() => decodeFrame(tampered(a2f(), write))).toThrow(expect.objectContaining({ code: 'frame_malformed' }))
  })

  it('refuses partial sums that do not match their nodes', () => {
    const frame = answerTo(a2f(), [2, 3])
    expect(() => decodeFrame(tampered(frame, view => { view.setUint16(headerOffsets.numPartials, 1, true) }))).toThrow('malformed')
    expect(() => decodeFrame(encodeFrame(answerTo(a2f(), [16])))).toThrow('16 is no tree node')
    expect(() => encodeFrame(answerTo(a2f(), [8, 9, 10, 11, 12, 13, 14, 15, 1]))).toThrow('9 partial sums')
  })

  it('refuses what is cut off, too long or over the limit, before it allocates', () => {
    const bytes = encodeFrame(a2f())
    expect(() => decodeFrame(bytes.subarray(0, 63))).toThrow('no header')
    expect(() => decodeFrame(bytes.subarray(0, bytes.length - 64))).toThrow('the header says')
    expect(() => decodeFrame(Buffer.concat([bytes, bytes]))).toThrow('the header says')
    expect(() => decodeFrame(bytes, 128)).toThrow(expect.objectContaining({ code: 'frame_oversized', facts: expect.objectContaining({ frameId: 1 }) }))
  })

  it('does not encode what the other side would refuse', () => {
    expect(() => encodeFrame({ ...a2f(), topK: 1 })).toThrow(expect.objectContaining({ code: 'frame_malformed' }))
    expect(() => encodeFrame({ ...hello(), workerId: 'x'.repeat(257) })).toThrow('too long')
  })
})
