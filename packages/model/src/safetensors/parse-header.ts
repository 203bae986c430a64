// Owns the safetensors header: names, formats, shapes and places of the tensors in one file. Pure: bytes in, table out.
// Format: u64 little-endian header length, a JSON object, then the tensors, without gaps or overlaps.
import { modelError } from '../errors.js'
import type { StoredTensor } from '../weights/stored-tensor.js'
import type { TensorDtype } from '../weights.js'
import { topLevelKeys } from './json-keys.js'

/** The reference implementation's limit. */
export const maxSafetensorsHeaderBytes = 100_000_000
export const safetensorsLengthBytes = 8
const maxDimensions = 8

interface StoredFormat { readonly dtype: TensorDtype | null, readonly bits: number }

const formats: Readonly<Record<string, StoredFormat>> = {
  F32: { dtype: 'F32', bits: 32 },
  F16: { dtype: 'F16', bits: 16 },
  BF16: { dtype: 'BF16', bits: 16 },
  F8_E4M3: { dtype: 'F8_E4M3', bits: 8 },
  F64: { dtype: null, bits: 64 },
  I64: { dtype: null, bits: 64 },
  U64: { dtype: null, bits: 64 },
  C64: { dtype: null, bits: 64 },
  I32: { dtype: null, bits: 32 },
  U32: { dtype: null, bits: 32 },
  I16: { dtype: null, bits: 16 },
  U16: { dtype: null, bits: 16 },
  I8: { dtype: null, bits: 8 },
  U8: { dtype: null, bits: 8 },
  BOOL: { dtype: null, bits: 8 },
  F8_E5M2: { dtype: null, bits: 8 },
  F8_E8M0: { dtype: null, bits: 8 },
  F6_E2M3: { dtype: null, bits: 6 },
  F6_E3M2: { dtype: null, bits: 6 },
  F4: { dtype: null, bits: 4 }
}

/**
 * Length of the JSON header, from the first 8 bytes of a file of `fileBytes` bytes.
 * @throws `model_file_truncated`, `model_header_too_large`.
 */
export function safetensorsHeaderLength (prefix: Uint8Array, fileBytes: number, path: string): number {
  if (prefix.length < safetensorsLengthBytes) {
    throw modelError('model_file_truncated', { path, part: 'header length', expected: safetensorsLengthBytes, actual: fileBytes })
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength).getBigUint64(0, true)
  if (length > BigInt(maxSafetensorsHeaderBytes)) throw modelError('model_header_too_large', { path, limit: maxSafetensorsHeaderBytes })
  const end = safetensorsLengthBytes + Number(length)
  if (end > fileBytes) throw modelError('model_file_truncated', { path, part: 'header', expected: end, actual: fileBytes })
  return Number(length)
}

/**
 * Parses the JSON header, the file's bytes [8, 8 + length).
 * @throws `model_header_invalid`, `model_file_truncated`, `tensor_duplicate`.
 */
export function parseSafetensorsHeader (header: Uint8Array, fileBytes: number, path: string): StoredTensor[] {
  const dataStart = safetensorsLengthBytes + header.length
  const text = decodeText(header, path)
  const entries = Object.entries(parseObject(text, path)).filter(([name]) => name !== '__metadata__')
  const duplicate = firstDuplicate(topLevelKeys(text))
  if (duplicate !== undefined) throw modelError('tensor_duplicate', { path, tensor: duplicate })
  const tensors = entries.map(([name, entry]) => readEntry(name, entry, dataStart, path))
  checkPlaces(tensors, dataStart, fileBytes, path)
  return tensors
}

function decodeText (header: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(header)
  } catch (error) {
    throw modelError('model_header_invalid', { path, part: 'header', reason: 'it is not valid UTF-8' }, error)
  }
}

function parseObject (text: string, path: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw modelError('model_header_invalid', { path, part: 'header', reason: 'it is not JSON' }, error)
  }
  if (!isRecord(value)) throw modelError('model_header_invalid', { path, part: 'header', reason: 'it is not an object' })
  return value
}

function readEntry (name: string, entry: unknown, dataStart: number, path: string): StoredTensor {
  const invalid = (reason: string): Error => modelError('model_header_invalid', { path, part: `tensor ${name}`, reason })
  if (!isRecord(entry)) throw invalid('its entry is not an object')
  const { dtype: storedDtype, shape, data_offsets: offsets } = entry
  const format = typeof storedDtype === 'string' && Object.hasOwn(formats, storedDtype) ? formats[storedDtype] : undefined
  if (typeof storedDtype !== 'string' || format === undefined) throw invalid(`dtype ${JSON.stringify(storedDtype) ?? 'undefined'} does not exist`)
  if (!isSizeList(shape) || shape.length > maxDimensions) throw invalid('shape is not a list of sizes')
  if (!isSizeList(offsets) || offsets.length !== 2) throw invalid('data_offsets is not [start, end]')
  const [start = 0, end = 0] = offsets
  const numBits = shape.reduce((product, size) => product * size, format.bits)
  if (end < start || !Number.isSafeInteger(numBits) || (end - start) * 8 !== numBits) {
    throw invalid(`data_offsets hold ${end - start} bytes, but ${storedDtype} of shape [${shape.join(', ')}] needs ${numBits / 8}`)
  }
  return { name, dtype: format.dtype, storedDtype, shape, path, offset: dataStart + start, byteLength: end - start }
}

/** The format's rule: tensors in order of their offsets fill the rest of the file exactly. */
function checkPlaces (tensors: readonly StoredTensor[], dataStart: number, fileBytes: number, path: string): void {
  const byOffset = [...tensors].sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)
  let end = dataStart
  for (const tensor of byOffset) {
    if (tensor.offset !== end) {
      const reason = tensor.offset < end ? 'its bytes overlap those of another tensor' : `there is a gap of ${tensor.offset - end} bytes in front of it`
      throw modelError('model_header_invalid', { path, part: `tensor ${tensor.name}`, reason })
    }
    end += tensor.byteLength
    if (end > fileBytes) throw modelError('model_file_truncated', { path, part: `tensor ${tensor.name}`, expected: end, actual: fileBytes })
  }
  if (end !== fileBytes) throw modelError('model_header_invalid', { path, part: 'header', reason: `${fileBytes - end} bytes at the end belong to no tensor` })
}

function firstDuplicate (names: readonly string[]): string | undefined {
  const seen = new Set<string>()
  return names.find(name => seen.size === seen.add(name).size)
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSizeList (value: unknown): value is number[] {
  return Array.isArray(value) && value.every(size => Number.isSafeInteger(size) && size >= 0)
}
