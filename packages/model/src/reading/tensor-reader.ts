// Owns reading weights: positional reads of the rows and columns that were asked for, nothing around them and no file as a whole.
import { assert } from '@tandem/core'
import { dequantizeRows } from '../dequantize/decode.js'
import type { StoredBlockScale, StoredRows } from '../dequantize/stored-rows.js'
import { modelError } from '../errors.js'
import { bytesOfElements, dtypeBlockBytes, dtypeBlockLength, numColumnsOf, numRowsOf, rowBytesOf } from '../weights/dtypes.js'
import type { TensorRef } from '../weights.js'
import { FileHandles } from './file-handles.js'
import { readSpan, readStrided } from './positional-reads.js'

export interface TensorReaderOptions {
  /** Files kept open between reads. */
  readonly maxOpenFiles?: number
}

/** A part of a matrix; whole by default. Columns are multiples of the format's block length. */
export interface TensorSlice {
  readonly rowStart?: number
  readonly rowEnd?: number
  readonly colStart?: number
  readonly colEnd?: number
}

interface Bounds { readonly rowStart: number, readonly rowEnd: number, readonly colStart: number, readonly colEnd: number }

/** Rows are the product of all dimensions but the last; a vector is one row. */
export class TensorReader {
  readonly #files: FileHandles

  constructor (options: TensorReaderOptions = {}) {
    this.#files = new FileHandles(options.maxOpenFiles ?? 32)
  }

  /**
   * Stored bytes of rows [rowStart, rowEnd), packed: (rowEnd - rowStart) * rowBytesOf(ref). F8_E4M3 comes without its scales.
   * @throws `model_file_unreadable`, `model_file_truncated`
   */
  async readRaw (ref: TensorRef, rowStart = 0, rowEnd = numRowsOf(ref)): Promise<Uint8Array> {
    const { bytes } = await this.#readBytes(ref, boundsOf(ref, { rowStart, rowEnd }))
    return bytes
  }

  /** A slice in its storage format with the block scales it needs: what the pure decoders take. */
  async readRows (ref: TensorRef, slice: TensorSlice = {}): Promise<StoredRows> {
    const bounds = boundsOf(ref, slice)
    const { bytes, rowBytes } = await this.#readBytes(ref, bounds)
    const rows: StoredRows = {
      name: ref.name,
      dtype: ref.dtype,
      numRows: bounds.rowEnd - bounds.rowStart,
      numColumns: bounds.colEnd - bounds.colStart,
      bytes,
      rowBytes
    }
    if (ref.blockScale === undefined) return rows
    return { ...rows, blockScale: await this.#readBlockScale(ref.blockScale, bounds) }
  }

  /** A slice as float32 values: [rowEnd - rowStart, colEnd - colStart], block scales applied. */
  async readFloat32 (ref: TensorRef, slice: TensorSlice = {}): Promise<Float32Array> {
    const rows = await this.readRows(ref, slice)
    const out = new Float32Array(rows.numRows * rows.numColumns)
    dequantizeRows(rows, 0, rows.numRows, out)
    return out
  }

  /** Closes the files kept open; a later read opens them again. */
  async close (): Promise<void> {
    await this.#files.close()
  }

  async #readBytes (ref: TensorRef, bounds: Bounds): Promise<{ bytes: Uint8Array, rowBytes: number }> {
    const { rowStart, rowEnd, colStart, colEnd } = bounds
    const blockLength = dtypeBlockLength(ref.dtype)
    const wholeRowBytes = rowBytesOf(ref)
    const rowBytes = bytesOfElements(ref.dtype, colEnd - colStart)
    const position = ref.offset + rowStart * wholeRowBytes + colStart / blockLength * dtypeBlockBytes(ref.dtype)
    const numRows = rowEnd - rowStart
    const bytes = new Uint8Array(numRows * rowBytes)
    const numRead = await this.#files.with(ref.path, async handle => {
      if (rowBytes === wholeRowBytes) return readSpan(handle, position, bytes)
      return readStrided(handle, { position, stride: wholeRowBytes, rowBytes, numRows }, bytes)
    }).catch((error: unknown) => { throw readError(ref, error) })
    if (numRead < bytes.length) {
      const expected = position + (numRows - 1) * wholeRowBytes + rowBytes
      throw modelError('model_file_truncated', { path: ref.path, part: `tensor ${ref.name}`, expected, actual: 'fewer bytes' })
    }
    return { bytes, rowBytes }
  }

  async #readBlockScale (blockScale: NonNullable<TensorRef['blockScale']>, bounds: Bounds): Promise<StoredBlockScale> {
    const { ref, blockRows, blockColumns } = blockScale
    const firstRow = Math.floor(bounds.rowStart / blockRows)
    const firstColumn = Math.floor(bounds.colStart / blockColumns)
    const colEnd = Math.ceil(bounds.colEnd / blockColumns)
    const values = await this.readFloat32(ref, {
      rowStart: firstRow, rowEnd: Math.ceil(bounds.rowEnd / blockRows), colStart: firstColumn, colEnd
    })
    return {
      values,
      numColumns: colEnd - firstColumn,
      blockRows,
      blockColumns,
      rowPhase: bounds.rowStart - firstRow * blockRows,
      columnPhase: bounds.colStart - firstColumn * blockColumns
    }
  }
}

function boundsOf (ref: TensorRef, slice: TensorSlice): Bounds {
  const numRows = numRowsOf(ref)
  const numColumns = numColumnsOf(ref)
  const { rowStart = 0, rowEnd = numRows, colStart = 0, colEnd = numColumns } = slice
  const blockLength = dtypeBlockLength(ref.dtype)
  assert(rowStart >= 0 && rowStart <= rowEnd && rowEnd <= numRows, `rows ${rowStart}..${rowEnd} are outside ${ref.name} of ${numRows} rows`)
  assert(colStart >= 0 && colStart <= colEnd && colEnd <= numColumns, `columns ${colStart}..${colEnd} are outside ${ref.name} of ${numColumns} columns`)
  assert(colStart % blockLength === 0 && (colEnd - colStart) % blockLength === 0, `columns ${colStart}..${colEnd} of ${ref.name} cut a block of ${blockLength}`)
  return { rowStart, rowEnd, colStart, colEnd }
}

function readError (ref: TensorRef, error: unknown): unknown {
  const isFileSystemError = error instanceof Error && 'code' in error && 'syscall' in error
  return isFileSystemError ? modelError('model_file_unreadable', { path: ref.path, reason: error.message }, error) : error
}
