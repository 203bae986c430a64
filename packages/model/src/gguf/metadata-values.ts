// Owns the value types of GGUF metadata. Integers of any width become numbers; 64-bit ones outside
// +-2^53 stay bigint, so that nothing is rounded silently.
import type { ByteCursor } from './byte-cursor.js'

export type GgufScalar = number | bigint | boolean | string
export type GgufValue = GgufScalar | readonly GgufValue[]

type ReadScalar = (cursor: ByteCursor, part: string) => GgufScalar
interface ScalarType { readonly minBytes: number, readonly read: ReadScalar }

const maxStringBytes = 16 * 1024 * 1024
const maxArrayLength = 16 * 1024 * 1024
const maxArrayDepth = 4
const arrayTypeId = 9
const minArrayBytes = 4 + 8 // element type, count

/** By GGUF value type id. */
const scalarTypes: ReadonlyMap<number, ScalarType> = new Map<number, ScalarType>([
  [0, { minBytes: 1, read: (cursor, part) => cursor.u8(part) }],
  [1, { minBytes: 1, read: (cursor, part) => cursor.i8(part) }],
  [2, { minBytes: 2, read: (cursor, part) => cursor.u16(part) }],
  [3, { minBytes: 2, read: (cursor, part) => cursor.i16(part) }],
  [4, { minBytes: 4, read: (cursor, part) => cursor.u32(part) }],
  [5, { minBytes: 4, read: (cursor, part) => cursor.i32(part) }],
  [6, { minBytes: 4, read: (cursor, part) => cursor.f32(part) }],
  [7, { minBytes: 1, read: readBoolean }],
  [8, { minBytes: 8, read: (cursor, part) => cursor.string(part, maxStringBytes) }],
  [10, { minBytes: 8, read: (cursor, part) => narrow(cursor.u64(part)) }],
  [11, { minBytes: 8, read: (cursor, part) => narrow(cursor.i64(part)) }],
  [12, { minBytes: 8, read: (cursor, part) => cursor.f64(part) }]
])

/** Reads a type id and its value. Throws as ByteCursor does; `key` is for messages. */
export function readMetadataValue (cursor: ByteCursor, key: string): GgufValue {
  return readTyped(cursor, `metadata ${key}`, cursor.u32(`metadata ${key}`), 0)
}

function readTyped (cursor: ByteCursor, part: string, typeId: number, depth: number): GgufValue {
  if (typeId === arrayTypeId) return readArray(cursor, part, depth + 1)
  const type = scalarTypes.get(typeId)
  if (type === undefined) return cursor.invalid(part, `value type ${typeId} does not exist`)
  return type.read(cursor, part)
}

function readArray (cursor: ByteCursor, part: string, depth: number): GgufValue[] {
  if (depth > maxArrayDepth) cursor.invalid(part, `arrays are nested deeper than ${maxArrayDepth}`)
  const typeId = cursor.u32(part)
  const type = scalarTypes.get(typeId)
  if (type === undefined && typeId !== arrayTypeId) cursor.invalid(part, `value type ${typeId} does not exist`)
  const count = cursor.count(part, type?.minBytes ?? minArrayBytes, maxArrayLength)
  const values: GgufValue[] = []
  for (let i = 0; i < count; i++) values.push(type === undefined ? readArray(cursor, part, depth + 1) : type.read(cursor, part))
  return values
}

function readBoolean (cursor: ByteCursor, part: string): boolean {
  const byte = cursor.u8(part)
  if (byte > 1) cursor.invalid(part, `a boolean must be 0 or 1 (got ${byte})`)
  return byte === 1
}

function narrow (value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
