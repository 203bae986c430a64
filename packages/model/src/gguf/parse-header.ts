// Owns the GGUF header: magic, metadata and the tensor table, from the first bytes of a file. Pure: bytes in,
// header out. It gives keys and tensors no meaning (config/ and weights/ do).
// Layout: ggml's docs/gguf.md, versions 2 and 3, little-endian.
import { modelError } from '../errors.js'
import type { StoredTensor } from '../weights/stored-tensor.js'
import { ByteCursor } from './byte-cursor.js'
import { readMetadataValue } from './metadata-values.js'
import type { GgufValue } from './metadata-values.js'
import { ggufTensorTypes } from './tensor-types.js'

export type GgufMetadata = ReadonlyMap<string, GgufValue>

export interface GgufHeader {
  readonly version: number
  readonly metadata: GgufMetadata
  readonly tensors: readonly StoredTensor[]
}

const maxKeyBytes = 65_535
const maxTensorNameBytes = 256
const maxMetadataEntries = 65_536
const maxTensors = 1_048_576
const maxDimensions = 4
const minEntryBytes = 8 + 4 + 1 // empty key, type, one byte
const minTensorInfoBytes = 8 + 4 + 8 + 4 + 8 // empty name, n_dims, one dimension, type, offset
const defaultAlignment = 32

/**
 * Parses the header at the start of `bytes`, a prefix of a file of `fileBytes` bytes. Every tensor lies inside
 * the file, no two overlap, and sizes agree with shapes.
 * @throws NeedMoreBytes when the header is longer than the prefix; `model_header_invalid`, `model_file_truncated`,
 * `tensor_duplicate` when the file is damaged.
 */
export function parseGgufHeader (bytes: Uint8Array, fileBytes: number, path: string): GgufHeader {
  const cursor = new ByteCursor(bytes, fileBytes, path)
  const version = readVersion(cursor)
  const numTensors = cursor.count('tensor count', minTensorInfoBytes, maxTensors)
  const numEntries = cursor.count('metadata count', minEntryBytes, maxMetadataEntries)
  const metadata = new Map<string, GgufValue>()
  for (let i = 0; i < numEntries; i++) {
    const key = cursor.string(`metadata key ${i}`, maxKeyBytes)
    if (metadata.has(key)) cursor.invalid(`metadata key ${i}`, `${key} occurs twice`)
    metadata.set(key, readMetadataValue(cursor, key))
  }
  const infos: TensorInfo[] = []
  for (let i = 0; i < numTensors; i++) infos.push(readTensorInfo(cursor, i))
  const alignment = readAlignment(cursor, metadata)
  const dataStart = Math.ceil(cursor.position / alignment) * alignment
  return { version, metadata, tensors: placeTensors(cursor, infos, dataStart, alignment) }
}

function readVersion (cursor: ByteCursor): number {
  // "GGUF" read as little-endian.
  if (cursor.u32('magic') !== 0x46554747) cursor.invalid('magic', 'the file does not start with "GGUF"')
  const version = cursor.u32('version')
  if (version === 0x02000000 || version === 0x03000000) cursor.invalid('version', 'the file is big-endian; only little-endian files are read')
  if (version !== 2 && version !== 3) cursor.invalid('version', `version ${version} is not supported (supported: 2, 3)`)
  return version
}

interface TensorInfo {
  readonly name: string
  /** Row-major, as in StoredTensor. */
  readonly shape: readonly number[]
  readonly typeId: number
  readonly offset: number
}

function readTensorInfo (cursor: ByteCursor, index: number): TensorInfo {
  const name = cursor.string(`name of tensor ${index}`, maxTensorNameBytes)
  const part = `tensor ${name}`
  const numDimensions = cursor.u32(part)
  if (numDimensions < 1 || numDimensions > maxDimensions) cursor.invalid(part, `it has ${numDimensions} dimensions, expected 1 to ${maxDimensions}`)
  const shape: number[] = []
  let numElements = 1
  for (let i = 0; i < numDimensions; i++) {
    const size = cursor.size(part)
    numElements *= size
    if (size === 0 || !Number.isSafeInteger(numElements)) cursor.invalid(part, `dimension ${i} is ${size}`)
    shape.unshift(size) // the file's first dimension is the contiguous one
  }
  return { name, shape, typeId: cursor.u32(part), offset: cursor.size(part) }
}

function readAlignment (cursor: ByteCursor, metadata: GgufMetadata): number {
  const value = metadata.get('general.alignment') ?? defaultAlignment
  const isPowerOfTwo = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_536 && Number.isInteger(Math.log2(value))
  if (!isPowerOfTwo) return cursor.invalid('general.alignment', `it must be a power of two (got ${String(value)})`)
  return value
}

const decodedTypes = [...ggufTensorTypes.values()].filter(({ dtype }) => dtype !== null).map(({ name }) => name).join(', ')

function placeTensors (cursor: ByteCursor, infos: readonly TensorInfo[], dataStart: number, alignment: number): StoredTensor[] {
  const { path, fileBytes } = cursor
  const seen = new Set<string>()
  const tensors: StoredTensor[] = []
  for (const info of infos) {
    const { name, shape } = info
    const part = `tensor ${name}`
    if (seen.has(name)) throw modelError('tensor_duplicate', { path, tensor: name })
    seen.add(name)
    const type = ggufTensorTypes.get(info.typeId)
    if (type === undefined) throw modelError('tensor_dtype_unsupported', { path, tensor: name, actual: `ggml type ${info.typeId}`, expected: decodedTypes })
    if (info.offset % alignment !== 0) cursor.invalid(part, `offset ${info.offset} is not a multiple of the alignment ${alignment}`)
    const rowLength = shape[shape.length - 1] ?? 0
    if (rowLength % type.blockLength !== 0) cursor.invalid(part, `rows of ${rowLength} elements are not whole ${type.name} blocks of ${type.blockLength}`)
    const byteLength = (shape.reduce((product, size) => product * size, 1) / type.blockLength) * type.blockBytes
    const offset = dataStart + info.offset
    if (!(offset + byteLength <= fileBytes)) throw modelError('model_file_truncated', { path, part, expected: offset + byteLength, actual: fileBytes })
    tensors.push({ name, dtype: type.dtype, storedDtype: type.name, shape, path, offset, byteLength })
  }
  refuseOverlaps(cursor, tensors)
  return tensors
}

function refuseOverlaps (cursor: ByteCursor, tensors: readonly StoredTensor[]): void {
  const byOffset = [...tensors].sort((a, b) => a.offset - b.offset)
  let previous: StoredTensor | undefined
  for (const tensor of byOffset) {
    if (previous !== undefined && previous.offset + previous.byteLength > tensor.offset) {
      cursor.invalid(`tensor ${tensor.name}`, `its bytes overlap those of ${previous.name}`)
    }
    previous = tensor
  }
}
