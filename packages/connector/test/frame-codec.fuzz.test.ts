// Mutated frames must be decoded to something that encodes to the same bytes, or be refused with a typed error.
// TANDEM_FUZZ_CASES=1000000 runs the long version, TANDEM_FUZZ_SEED repeats a failing one.
import { expect, it } from 'vitest'
import { isTandemError } from '@tandem/core'
import { decodeFrame, encodeFrame } from '../src/frame-codec.js'
import { FRAME_HEADER_BYTES } from '../src/frame-layout.js'
import { FrameStreamParser } from '../src/tcp/stream-parser.js'
import type { Frame } from '../src/types.js'
import { a2f, answerTo, hello } from './support/frames.js'
import { seededRandom } from './support/random.js'
import type { Random } from './support/random.js'

const numCases = Number(process.env['TANDEM_FUZZ_CASES'] ?? 4000)
const seed = Number(process.env['TANDEM_FUZZ_SEED'] ?? 20260101)
const limit = 64 * 1024

const seeds: readonly Buffer[] = ([
  hello(), a2f(), a2f({ dtype: 'bf16', topK: 0 }), a2f({ dtype: 'fp8_e4m3', hiddenSize: 130 }), answerTo(a2f(), [2, 3]), answerTo(a2f(), [8]),
  a2f({ numTokens: 600, hiddenSize: 32 }), // over the limit
  { kind: 'error', epoch: 1, frameId: 1, status: 'stale_epoch', message: 'old' }
] satisfies Frame[]).map(frame => encodeFrame(frame))

function mutate (random: Random): Buffer {
  const bytes = Buffer.from(seeds[random.below(seeds.length)]!)
  for (let count = random.below(4); count > 0; count--) {
    const inHeader = random.below(4) > 0
    const offset = random.below(inHeader ? FRAME_HEADER_BYTES : bytes.length)
    const kind = random.below(3)
    if (kind === 0) bytes[offset] = bytes[offset]! ^ (1 << random.below(8))
    else if (kind === 1) bytes[offset] = random.below(256)
    else bytes.writeUInt32LE([0, 1, 0x7fffffff, 0xffffffff, random.below(2 ** 32)][random.below(5)]!, Math.min(offset & ~3, bytes.length - 4))
  }
  const cut = random.below(8)
  if (cut === 0) return bytes.subarray(0, random.below(bytes.length))
  return cut === 1 ? Buffer.concat([bytes, Buffer.alloc(1 + random.below(100), random.below(2))]) : bytes
}

function outcomeOf (bytes: Uint8Array): Frame | string {
  try {
    return decodeFrame(bytes, limit)
  } catch (error) {
    if (!isTandemError(error)) throw error
    return error.code
  }
}

it(`decodes or refuses ${numCases} mutated frames (seed ${seed})`, () => {
  const random = seededRandom(seed)
  const counts = { decoded: 0, frame_malformed: 0, frame_oversized: 0 }
  for (let i = 0; i < numCases; i++) {
    const bytes = mutate(random)
    const outcome = outcomeOf(bytes)
    if (typeof outcome === 'string') {
      counts[outcome as keyof typeof counts]++
      continue
    }
    counts.decoded++
    // Fields a kind does not use are ignored when read and zero when written: only the sections must survive.
    const again = encodeFrame(outcome)
    if (again.compare(bytes, FRAME_HEADER_BYTES, undefined, FRAME_HEADER_BYTES) !== 0 && outcome.kind !== 'hello' && outcome.kind !== 'error') {
      throw new Error(`case ${i} does not survive encoding`)
    }
  }
  expect(counts.decoded + counts.frame_malformed + counts.frame_oversized).toBe(numCases)
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0)
}, 600_000)

it(`follows or gives up ${numCases} mutated streams`, () => {
  const random = seededRandom(seed + 1)
  let numFrames = 0
  let numRefused = 0
  let numLost = 0
  for (let i = 0; i < numCases; i++) {
    const parser = new FrameStreamParser(limit, { onFrame: () => { numFrames++ }, onRefused: () => { numRefused++ } })
    const stream = Buffer.concat([mutate(random), mutate(random), seeds[0]!])
    try {
      for (let start = 0; start < stream.length;) {
        const end = start + 1 + random.below(200)
        parser.push(stream.subarray(start, end))
        start = end
      }
    } catch (error) {
      if (!isTandemError(error, 'frame_malformed')) throw error
      numLost++
    }
  }
  expect(Math.min(numFrames, numRefused, numLost)).toBeGreaterThan(0)
}, 600_000)
