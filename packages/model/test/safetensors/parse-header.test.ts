import { describe, expect, it } from 'vitest'
import { maxSafetensorsHeaderBytes, parseSafetensorsHeader, safetensorsHeaderLength } from '../../src/safetensors/parse-header.js'
import type { StoredTensor } from '../../src/weights/stored-tensor.js'
import { encodeSafetensors, joinHeader } from '../support/safetensors-file.js'

function parse (bytes: Uint8Array): StoredTensor[] {
  const length = safetensorsHeaderLength(bytes.subarray(0, 8), bytes.length, 'm.safetensors')
  return parseSafetensorsHeader(bytes.subarray(8, 8 + length), bytes.length, 'm.safetensors')
}

/** A file with this header and `dataBytes` zeros. */
function file (header: unknown, dataBytes: number): Uint8Array {
  return joinHeader(typeof header === 'string' ? header : JSON.stringify(header), new Uint8Array(dataBytes))
}

const entry = (dtype: unknown, shape: unknown, offsets: unknown): unknown => ({ dtype, shape, data_offsets: offsets })

describe('a sound header', () => {
  it('gives tensors with absolute offsets, whatever their order', () => {
    const bytes = file({ b: entry('F32', [2], [6, 14]), a: entry('BF16', [3, 1], [0, 6]) }, 14)
    expect(parse(bytes)).toEqual([
      { name: 'b', dtype: 'F32', storedDtype: 'F32', shape: [2], path: 'm.safetensors', offset: bytes.length - 8, byteLength: 8 },
      { name: 'a', dtype: 'BF16', storedDtype: 'BF16', shape: [3, 1], path: 'm.safetensors', offset: bytes.length - 14, byteLength: 6 }
    ])
  })

  it('may hold scalars, empty tensors, formats Tandem does not decode, padding and names like properties', () => {
    const header = { scalar: entry('I64', [], [0, 8]), empty: entry('F32', [0, 4], [8, 8]), constructor: entry('U8', [2], [8, 10]) }
    expect(parse(file(JSON.stringify(header) + '   ', 10)).map(tensor => tensor.dtype)).toEqual([null, 'F32', null])
    expect(parse(file('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1)).map(tensor => tensor.name)).toEqual(['__proto__'])
  })

  it('is what other writers write', () => {
    expect(parse(encodeSafetensors({ a: { dtype: 'F16', shape: [2, 2] } })).map(tensor => tensor.byteLength)).toEqual([8])
  })
})

describe('a damaged header', () => {
  it('is a truncated file at every length', () => {
    const sound = encodeSafetensors({ a: { dtype: 'F32', shape: [4] }, b: { dtype: 'F32', shape: [2] } })
    for (let length = 0; length < sound.length; length++) {
      expect(() => parse(sound.subarray(0, length))).toThrow(expect.objectContaining({ code: 'model_file_truncated' }))
    }
  })

  it('is refused when it claims to be huge', () => {
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(maxSafetensorsHeaderBytes) + 1n)
    expect(() => safetensorsHeaderLength(length, 2 ** 50, 'm')).toThrow(expect.objectContaining({ code: 'model_header_too_large' }))
    length.writeBigUInt64LE(2n ** 64n - 1n)
    expect(() => safetensorsHeaderLength(length, 2 ** 50, 'm')).toThrow(expect.objectContaining({ code: 'model_header_too_large' }))
  })

  it.each<[string, unknown, number, RegExp]>([
    ['JSON that is none', '{"a":', 0, /header: it is not JSON/],
    ['a list', [], 0, /header: it is not an object/],
    ['an entry that is no object', { a: 1 }, 0, /tensor a: its entry is not an object/],
    ['an unknown dtype', { a: entry('Q4', [1], [0, 1]) }, 1, /tensor a: dtype "Q4" does not exist/],
    ['a dtype named like a property', { a: entry('constructor', [1], [0, 1]) }, 1, /dtype "constructor" does not exist/],
    ['a missing dtype', { a: entry(undefined, [1], [0, 1]) }, 1, /dtype undefined does not exist/],
    ['a negative size', { a: entry('F32', [-1], [0, 4]) }, 4, /shape is not a list of sizes/],
    ['a fractional size', { a: entry('F32', [1.5], [0, 6]) }, 6, /shape is not a list of sizes/],
    ['a shape that is no list', { a: entry('F32', '1', [0, 4]) }, 4, /shape is not a list of sizes/],
    ['a shape that overflows', { a: entry('F32', [2 ** 40, 2 ** 40], [0, 4]) }, 4, /needs/],
    ['one offset', { a: entry('F32', [1], [0]) }, 4, /data_offsets is not/],
    ['offsets the wrong way round', { a: entry('F32', [1], [4, 0]) }, 4, /data_offsets hold -4 bytes/],
    ['a size that disagrees', { a: entry('F32', [2], [0, 4]) }, 4, /data_offsets hold 4 bytes, but F32 of shape \[2\] needs 8/],
    ['an overlap', { a: entry('F32', [1], [0, 4]), b: entry('F32', [1], [2, 6]) }, 6, /tensor b: its bytes overlap/],
    ['a gap', { a: entry('F32', [1], [0, 4]), b: entry('F32', [1], [8, 12]) }, 12, /tensor b: there is a gap of 4 bytes/],
    ['bytes behind the last tensor', { a: entry('F32', [1], [0, 4]) }, 5, /1 bytes at the end belong to no tensor/],
    ['an offset outside', { a: entry('F32', [4], [0, 16]) }, 8, /tensor a ends at byte/],
    ['a name that occurs twice', '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4, /tensor a occurs twice/]
  ])('is refused for %s', (_, header, dataBytes, message) => {
    expect(() => parse(file(header, dataBytes))).toThrow(message)
  })

  it('is refused for text that is not UTF-8', () => {
    const bytes = Buffer.from(file({ abc: entry('F32', [1], [0, 4]) }, 4))
    bytes[bytes.indexOf('abc')] = 0xff
    expect(() => parse(bytes)).toThrow(/not valid UTF-8/)
  })
})
