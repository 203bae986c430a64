// Owns a weight matrix that stays in its storage format.
import { dequantizeRows, type StoredRows } from '@tandem/model'
import type { WeightMatrix } from './weight-matrix.js'

export class StoredMatrix implements WeightMatrix {
  readonly byteLength: number

  constructor (private readonly rows: StoredRows) {
    this.byteLength = rows.bytes.byteLength + (rows.blockScale?.values.byteLength ?? 0)
  }

  get numRows (): number { return this.rows.numRows }
  get numColumns (): number { return this.rows.numColumns }

  dequantize (firstRow: number, numRows: number, out: Float32Array): void {
    dequantizeRows(this.rows, firstRow, firstRow + numRows, out)
  }
}
