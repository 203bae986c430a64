// Owns a weight matrix that stays in its storage format.
import { decoderOf, dequantizeRows, type DecodeElements, type StoredRows } from '@tandem/model'
import type { WeightMatrix } from './weight-matrix.js'

export class StoredMatrix implements WeightMatrix {
  readonly byteLength: number
  readonly #decode: DecodeElements

  constructor (private readonly rows: StoredRows) {
    this.#decode = decoderOf(rows.dtype)
    this.byteLength = rows.bytes.byteLength + (rows.blockScale?.values.byteLength ?? 0)
  }

  get numRows (): number { return this.rows.numRows }
  get numColumns (): number { return this.rows.numColumns }

  dequantize (firstRow: number, numRows: number, out: Float32Array): void {
    const { bytes, rowBytes, numColumns, blockScale } = this.rows
    // Rows are packed whole blocks, so a run of them decodes as one; scales of FP8 go row by row.
    if (blockScale === undefined) this.#decode(bytes, firstRow * rowBytes, numRows * numColumns, out, 0)
    else dequantizeRows(this.rows, firstRow, firstRow + numRows, out)
  }
}
