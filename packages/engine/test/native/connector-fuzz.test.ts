// The native frame decoder against the TypeScript one on mutated frames: both accept, or both refuse for the same reason.
// TANDEM_FUZZ_CASES=1000000 runs the long version, TANDEM_FUZZ_SEED repeats a failing one.
import { describe, expect, it } from 'vitest'
import { isTandemError } from '@tandem/core'
import { decodeFrame, encodeActivations, encodeFrame, FRAME_HEADER_BYTES, MAX_FRAME_BYTES } from '@tandem/connector'
import { addon, skipReason } from './engine-support/cluster.js'
import { seededRandom } from './support/kernel-cases.js'

const numCases = Number(process.env['TANDEM_FUZZ_CASES'] ?? 4000)
const seed = Number(process.env['TANDEM_FUZZ_SEED'] ?? 7)

const values = Float32Array.from({ length: 3 * 130 }, (_, i) => Math.sin(i))
const shape = { epoch: 4, workerNumber: 3, frameId: 9, layerIdx: 5, ubatchIdx: 1, numTokens: 3, hiddenSize: 130 } as const
const topk = { topK: 2, topkIds: Uint16Array.of(1, 2, 3, 4, 5, 6), topkWeights: Float32Array.of(1, 2, 3, 4, 5, 6) }
const digest = new Uint8Array(32).fill(9)
const valid: readonly Buffer[] = [
  encodeFrame({ kind: 'hello', workerNumber: 3, workerId: 'attention-1', tokenDigest: digest, modelFingerprint: digest }),
  ...(['f32', 'bf16', 'fp8_e4m3'] as const).map(dtype => encodeFrame({ kind: 'a2f', ...shape, dtype, ...encodeActivations(values, 130, dtype), ...topk })),
  encodeFrame({ kind: 'f2a', ...shape, dtype: 'f32', partials: new Uint8Array(2 * 4 * values.length), nodes: Uint8Array.of(2, 3), computeUs: 12 }),
  encodeFrame({ kind: 'error', epoch: 1, frameId: 1, status: 'stale_epoch', message: 'old' })
]

function mutate (random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit)
  const bytes = Buffer.from(valid[below(valid.length)]!)
  for (let count = below(4); count > 0; count--) {
    const offset = below(random() < 0.8 ? FRAME_HEADER_BYTES : bytes.length)
    if (random() < 0.5) bytes[offset] = bytes[offset]! ^ (1 << below(8))
    else bytes.writeUInt32LE([0, 1, 64, 0x7fffffff, 0xffffffff, below(2 ** 32)][below(6)]!, Math.min(offset & ~3, bytes.length - 4))
  }
  const cut = below(8)
  if (cut === 0) return bytes.subarray(0, below(bytes.length))
  return cut === 1 ? Buffer.concat([bytes, Buffer.alloc(1 + below(100))]) : bytes
}

/** ok, malformed or oversized. */
function scriptStatus (bytes: Uint8Array): string {
  try {
    decodeFrame(bytes, MAX_FRAME_BYTES)
    return 'ok'
  } catch (error) {
    if (!isTandemError(error)) throw error
    return error.code.replace('frame_', '')
  }
}

describe.skipIf(skipReason !== null)('native frame decoder', () => {
  it(`agrees with the TypeScript one on ${numCases} mutated frames (seed ${seed})`, () => {
    const random = seededRandom(seed)
    const counts: Record<string, number> = {}
    for (let i = 0; i < numCases; i++) {
      const bytes = mutate(random)
      const status = addon.decodeFrame(bytes)
      const expected = scriptStatus(bytes)
      // Which fault of several is reported first is free; whether the frame is good is not.
      if ((status === 'ok') !== (expected === 'ok')) expect.fail(`case ${i}: native ${status}, TypeScript ${expected}: ${bytes.toString('hex', 0, 64)}`)
      counts[status] = (counts[status] ?? 0) + 1
    }
    expect(counts['ok']).toBeGreaterThan(numCases / 20)
    expect(counts['malformed']).toBeGreaterThan(numCases / 20)
    expect(counts['oversized']).toBeGreaterThan(0)
  })
})
