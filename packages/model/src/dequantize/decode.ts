// Owns turning stored bytes into float32, for every storage format. Pure. This is the inner loop of the reference backend, so
// decoders write into the caller's array and allocate nothing per element; callers guarantee the bounds they state.
import { assert, InvariantError } from '@tandem/core'
import { bytesOfElements, dtypeBlockBytes, dtypeBlockLength } from '../weights/dtypes.js'
import type { TensorDtype } from '../weights.js'
import { decodeBf16, decodeF16, decodeF32, decodeF8E4M3 } from './float-rows.js'
import { decodeQ4K, decodeQ5K, decodeQ6K } from './k-blocks.js'
import { decodeQ40, decodeQ41, decodeQ50, decodeQ51, decodeQ80 } from './legacy-blocks.js'
import type { StoredRows } from './stored-rows.js'

/** Decodes `numElements` elements (whole blocks) at `bytes[byteOffset]` into `out[outOffset]`. */
export type DecodeElements = (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number) => void

const decoders: Readonly<Record<TensorDtype, DecodeElements>> = {
  F32: decodeF32,
  F16: decodeF16,
  BF16: decodeBf16,
  F8_E4M3: decodeF8E4M3,
  Q8_0: decodeQ80,
  Q4_0: decodeQ40,
  Q4_1: decodeQ41,
  Q5_0: decodeQ50,
  Q5_1: decodeQ51,
  Q4_K: decodeQ4K,
  Q5_K: decodeQ5K,
  Q6_K: decodeQ6K
}

/** The decoder of a format, for loops that pick it once. F8_E4M3 comes without its block scale. */
export function decoderOf (dtype: TensorDtype): DecodeElements {
  return decoders[dtype]
}

/**
 * Decodes row `row` of `rows` into out[outOffset .. outOffset + rows.numColumns), block scales applied.
 * Broken bounds are a broken invariant.
 */
export function dequantizeRow (rows: StoredRows, row: number, out: Float32Array, outOffset = 0): void {
  dequantizeColumns(rows, row, 0, rows.numColumns, out, outOffset)
}

/** Rows [rowStart, rowEnd), one after the other: [rowEnd - rowStart, numColumns]. */
export function dequantizeRows (rows: StoredRows, rowStart: number, rowEnd: number, out: Float32Array, outOffset = 0): void {
  for (let row = rowStart; row < rowEnd; row++) dequantizeRow(rows, row, out, outOffset + (row - rowStart) * rows.numColumns)
}

/** Columns [colStart, colEnd) of one row; both are multiples of the format's block length. */
export function dequantizeColumns (rows: StoredRows, row: number, colStart: number, colEnd: number, out: Float32Array, outOffset = 0): void {
  const { dtype, rowBytes, blockScale } = rows
  const blockLength = dtypeBlockLength(dtype)
  const numElements = colEnd - colStart
  const isInside = row >= 0 && row < rows.numRows && colStart >= 0 && numElements >= 0 && colEnd <= rows.numColumns &&
    out.length >= outOffset + numElements
  const isAligned = colStart % blockLength === 0 && numElements % blockLength === 0
  // Messages are built on failure only: this runs once per row of every matrix product.
  if (!isInside || !isAligned) refuseSlice(rows, row, colStart, colEnd, out.length - outOffset)
  const byteOffset = row * rowBytes + colStart / blockLength * dtypeBlockBytes(dtype)
  decoders[dtype](rows.bytes, byteOffset, numElements, out, outOffset)
  if (blockScale !== undefined) applyBlockScale(blockScale, row, colStart, colEnd, out, outOffset)
}

function refuseSlice (rows: StoredRows, row: number, colStart: number, colEnd: number, room: number): never {
  const { name, dtype, numRows, numColumns } = rows
  throw new InvariantError(
    `row ${row}, columns ${colStart}..${colEnd} of ${name} [${numRows}, ${numColumns}] are outside, cut a block of ${dtypeBlockLength(dtype)} ` +
    `or do not fit into ${room} elements`
  )
}

/** Decodes a packed buffer of `numElements` elements of a format without block scales. */
export function dequantizeBytes (dtype: TensorDtype, bytes: Uint8Array, numElements: number): Float32Array {
  assert(bytes.length >= bytesOfElements(dtype, numElements), `${bytes.length} bytes are fewer than ${numElements} elements of ${dtype}`)
  const out = new Float32Array(numElements)
  decoders[dtype](bytes, 0, numElements, out, 0)
  return out
}

function applyBlockScale (blockScale: NonNullable<StoredRows['blockScale']>, row: number, colStart: number, colEnd: number, out: Float32Array, outOffset: number): void {
  const { values, numColumns, blockRows, blockColumns, rowPhase, columnPhase } = blockScale
  const scaleRow = Math.floor((row + rowPhase) / blockRows) * numColumns
  let col = colStart
  while (col < colEnd) {
    const block = Math.floor((col + columnPhase) / blockColumns)
    const end = Math.min((block + 1) * blockColumns - columnPhase, colEnd)
    const scale = values[scaleRow + block]!
    for (; col < end; col++) out[outOffset + col - colStart]! *= scale
  }
}
