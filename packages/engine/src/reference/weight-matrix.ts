// Owns what the arithmetic sees of a stored matrix: rows that can be turned into float32. The bytes stay in the
// format of the checkpoint; nothing here keeps dequantised copies.

/** A matrix [numRows, numColumns], row-major, in whatever format it is stored. */
export interface WeightMatrix {
  readonly numRows: number
  readonly numColumns: number
  /** Bytes held in memory. */
  readonly byteLength: number
  /** Writes rows [firstRow, firstRow + numRows) as float32 to the front of `out`. */
  dequantize (firstRow: number, numRows: number, out: Float32Array): void
}

/** Elements dequantised at a time: 32 KB of float32, so a tile stays in the first-level cache while every row of the batch uses it. */
const TILE_ELEMENTS = 8192

/**
 * Calls `visit` with each row of `matrix` from `firstRow` to `endRow`: `tile[offset .. offset + numColumns)` is the row in float32.
 * The tile is overwritten between visits of different tiles.
 */
export function forEachRow (
  matrix: WeightMatrix, firstRow: number, endRow: number, visit: (row: number, tile: Float32Array, offset: number) => void
): void {
  const { numColumns } = matrix
  const rowsPerTile = Math.max(1, Math.floor(TILE_ELEMENTS / numColumns))
  const tile = new Float32Array(Math.min(rowsPerTile, endRow - firstRow) * numColumns)
  for (let tileStart = firstRow; tileStart < endRow; tileStart += rowsPerTile) {
    const tileEnd = Math.min(tileStart + rowsPerTile, endRow)
    matrix.dequantize(tileStart, tileEnd - tileStart, tile)
    for (let row = tileStart; row < tileEnd; row++) visit(row, tile, (row - tileStart) * numColumns)
  }
}
