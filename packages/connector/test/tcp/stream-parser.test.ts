import { beforeEach, describe, expect, it } from 'vitest'
import type { TandemError } from '@tandem/core'
import { encodeFrame } from '../../src/frame-codec.js'
import { headerOffsets } from '../../src/frame-layout.js'
import { FrameStreamParser } from '../../src/tcp/stream-parser.js'
import type { Frame } from '../../src/types.js'
import { a2f, hello } from '../support/frames.js'

let frames: Frame[] = []
let refused: TandemError[] = []
let parser: FrameStreamParser
beforeEach(() => {
  frames = []
  refused = []
  parser = new FrameStreamParser(4096, { onFrame: frame => { frames.push(frame) }, onRefused: error => { refused.push(error) } })
})

const ids = (): number[] => frames.map(frame => frame.kind === 'a2f' ? frame.frameId : 0)

describe('FrameStreamParser', () => {
  it.each([1, 7, 64, 65, 1000, 100_000])('finds frames in chunks of %i bytes', size => {
    const stream = Buffer.concat([encodeFrame(hello()), encodeFrame(a2f({ frameId: 1 })), encodeFrame(a2f({ frameId: 2, numTokens: 20 }))])
    for (let start = 0; start < stream.length; start += size) parser.push(stream.subarray(start, start + size))
    expect(ids()).toEqual([0, 1, 2])
    expect(frames[2]).toEqual(expect.objectContaining({ hidden: a2f({ frameId: 2, numTokens: 20 }).hidden.slice() }))
  })

  it('skips a frame over the limit without keeping it, and goes on behind it', () => {
    const large = encodeFrame(a2f({ frameId: 1, numTokens: 500 }))
    for (let start = 0; start < large.length; start += 512) parser.push(large.subarray(start, start + 512))
    parser.push(encodeFrame(a2f({ frameId: 2 })))
    expect(refused.map(error => [error.code, error.facts['frameId']])).toEqual([['frame_oversized', 1]])
    expect(ids()).toEqual([2])
  })

  it('takes a larger limit for the frames that follow', () => {
    parser.maxFrameBytes = 1 << 20
    parser.push(encodeFrame(a2f({ frameId: 1, numTokens: 500 })))
    expect(ids()).toEqual([1])
  })

  it('refuses a frame whose lengths contradict each other, and goes on behind it', () => {
    const wrong = encodeFrame(a2f({ frameId: 1 }))
    wrong.writeUInt32LE(4, headerOffsets.numTokens)
    const unpadded = encodeFrame(a2f({ frameId: 2 }))
    unpadded[64 + 96] = 1
    parser.push(Buffer.concat([wrong, unpadded, encodeFrame(a2f({ frameId: 3 }))]))
    expect(refused.map(error => error.code)).toEqual(['frame_malformed', 'frame_malformed'])
    expect(ids()).toEqual([3])
  })

  it.each(['GET / HTTP/1.1\r\n'.repeat(8), 'G'])('gives up at the first byte of a stream that is not one of frames: %j', junk => {
    expect(() => { parser.push(Buffer.from(junk)) }).toThrow(expect.objectContaining({ code: 'frame_malformed' }))
  })

  it('knows whether it is inside a frame', () => {
    const bytes = encodeFrame(hello())
    const seen = [0, 1, 64, bytes.length - 1].map((start, idx, starts) => {
      const isInside = parser.isInsideFrame
      parser.push(bytes.subarray(start, starts[idx + 1]))
      return isInside
    })
    expect([...seen, parser.isInsideFrame]).toEqual([false, true, true, true, false])
  })
})
