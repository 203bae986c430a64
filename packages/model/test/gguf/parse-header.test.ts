import { describe, expect, it } from 'vitest'
import { NeedMoreBytes } from '../../src/gguf/byte-cursor.js'
import { parseGgufHeader } from '../../src/gguf/parse-header.js'
import type { GgufHeader } from '../../src/gguf/parse-header.js'
import { encodeGguf } from '../support/gguf-file.js'
import type { GgufEntry, GgufTensorSpec } from '../support/gguf-file.js'

function parse (bytes: Uint8Array, fileBytes = bytes.length): GgufHeader {
  return parseGgufHeader(bytes, fileBytes, 'm.gguf')
}

/** A copy with `value` written little-endian at `offset`. */
function patched (bytes: Uint8Array, offset: number, value: bigint, width: 4 | 8): Uint8Array {
  const copy = Buffer.from(bytes)
  if (width === 8) copy.writeBigUInt64LE(value, offset)
  else copy.writeUInt32LE(Number(value), offset)
  return copy
}

const tensors: GgufTensorSpec[] = [{ name: 'a', shape: [2, 32], typeId: 8 }, { name: 'b', shape: [3] }]
const entries: GgufEntry[] = [
  ['name', 'string', 'ümlaut \uFFFD'], ['flag', 'bool', 1], ['big', 'u64', 2 ** 53 - 1], ['list', 'array', 'string', ['x', '', 'y']],
  ['numbers', 'array', 'i32', [-1, 2]], ['none', 'array', 'u8', []]
]
const sound = encodeGguf(entries, tensors)

describe('a sound header', () => {
  it('gives metadata by type and tensors with row-major shapes and absolute offsets', () => {
    const header = parse(sound)
    expect(Object.fromEntries(header.metadata)).toEqual({
      name: 'ümlaut \uFFFD', flag: true, big: 2 ** 53 - 1, list: ['x', '', 'y'], numbers: [-1, 2], none: []
    })
    expect(header.tensors.map(({ name, dtype, shape, byteLength }) => ({ name, dtype, shape, byteLength }))).toEqual([
      { name: 'a', dtype: 'Q8_0', shape: [2, 32], byteLength: 68 }, { name: 'b', dtype: 'F32', shape: [3], byteLength: 12 }
    ])
    expect(header.tensors[1]?.offset).toBe(sound.length - 12)
  })

  it('may have another alignment and version 2', () => {
    const bytes = encodeGguf([['general.alignment', 'u32', 128]], tensors, { alignment: 128, version: 2 })
    expect(parse(bytes)).toMatchObject({ version: 2, tensors: [{ offset: 256 }, { offset: 384 }] })
  })

  it('keeps 64-bit integers that a number cannot hold', () => {
    const bytes = encodeGguf([['seed', 'u64', 2 ** 60]], [])
    expect(parse(bytes).metadata.get('seed')).toBe(2n ** 60n)
  })

  it('asks for more of the file when the prefix ends inside it', () => {
    const headerEnd = parse(sound).tensors[0]?.offset ?? 0
    for (let length = 0; length < headerEnd - 32; length++) {
      expect(() => parse(sound.subarray(0, length), sound.length)).toThrow(NeedMoreBytes)
    }
  })
})

describe('a damaged header', () => {
  it('is a truncated file at every length', () => {
    for (let length = 0; length < sound.length; length++) {
      expect(() => parse(sound.subarray(0, length))).toThrow(expect.objectContaining({ code: 'model_file_truncated' }))
    }
  })

  it.each([
    ['magic', patched(sound, 0, 0x47475546n, 4), /does not start with "GGUF"/],
    ['big-endian', patched(sound, 4, 0x03000000n, 4), /big-endian/],
    ['version', patched(sound, 4, 1n, 4), /version 1 is not supported/],
    ['tensor count', patched(sound, 8, 2n ** 63n, 8), /tensor count: 9223372036854775808 is above the limit/],
    ['metadata count', patched(sound, 16, 2n ** 40n, 8), /metadata count: .* above the limit/],
    ['key length', patched(sound, 24, 2n ** 62n, 8), /metadata key 0: .* above the limit/],
    ['string length', patched(sound, 24 + 8 + 4 + 4, 2n ** 31n, 8), /metadata name: .* above the limit/]
  ])('is refused for its %s without trusting the length', (_, bytes, message) => {
    expect(() => parse(bytes, 2 ** 52)).toThrow(message)
  })

  it.each<[string, readonly GgufEntry[], readonly GgufTensorSpec[], RegExp]>([
    ['a repeated key', [['k', 'u32', 1], ['k', 'u32', 2]], [], /k occurs twice/],
    ['an odd boolean', [['k', 'bool', 2]], [], /a boolean must be 0 or 1/],
    ['an alignment that is no power of two', [['general.alignment', 'u32', 24]], [], /general.alignment: it must be a power of two/],
    ['an alignment of zero', [['general.alignment', 'u32', 0]], [], /power of two/],
    ['a repeated tensor', [], [{ name: 'a', shape: [2] }, { name: 'a', shape: [2] }], /tensor a occurs twice/],
    ['a dimension of zero', [], [{ name: 'a', shape: [2, 0] }], /tensor a: dimension 0 is 0/],
    ['dimensions whose product overflows', [], [{ name: 'a', shape: [2 ** 40, 2 ** 40], bytes: new Uint8Array(0) }], /tensor a: dimension/],
    ['five dimensions', [], [{ name: 'a', shape: [1, 1, 1, 1, 1] }], /it has 5 dimensions/],
    ['an unknown type', [], [{ name: 'a', shape: [2], typeId: 99 }], /tensor a is stored as ggml type 99, expected F32, F16, Q4_0, /],
    ['cut blocks', [], [{ name: 'a', shape: [2, 33], typeId: 8, bytes: new Uint8Array(80) }], /rows of 33 elements are not whole Q8_0 blocks/],
    ['a crooked offset', [], [{ name: 'a', shape: [2], offset: 4 }], /offset 4 is not a multiple/],
    ['an offset outside', [], [{ name: 'a', shape: [2], offset: 1024 }], /tensor a ends at byte/],
    ['overlapping tensors', [], [{ name: 'a', shape: [16] }, { name: 'b', shape: [2], offset: 32 }], /tensor b: its bytes overlap those of a/]
  ])('is refused for %s', (_, badEntries, badTensors, message) => {
    expect(() => parse(encodeGguf(badEntries, badTensors))).toThrow(message)
  })

  it('is refused for text that is not UTF-8', () => {
    const bytes = Buffer.from(encodeGguf([['key', 'string', 'abc']], []))
    bytes[bytes.indexOf('abc') + 1] = 0xff
    expect(() => parse(bytes)).toThrow(/metadata key: the text is not valid UTF-8/)
  })

  it('is refused for a value type that does not exist, and for deep arrays', () => {
    const typeAt = 24 + 8 + 3
    const bytes = encodeGguf([['key', 'array', 'u8', [1]]], [])
    expect(() => parse(patched(bytes, typeAt, 13n, 4))).toThrow(/value type 13 does not exist/)
    // [type 9, count 1] over and over.
    const level = Buffer.from([9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    const nested = Buffer.concat([bytes.subarray(0, typeAt + 4), level, level, level, level, level, level])
    expect(() => parse(nested)).toThrow(/nested deeper than 4/)
  })
})
