// Owns the in-memory form of (a slice of) a matrix in its storage format: what TensorReader returns, a backend holds and
// decode.ts decodes.
import type { TensorDtype } from '../weights.js'

export interface StoredRows {
  /** Name of the tensor, for messages. */
  readonly name: string
  readonly dtype: TensorDtype
  readonly numRows: number
  readonly numColumns: number
  /** [numRows, rowBytes], packed. */
  readonly bytes: Uint8Array
  readonly rowBytes: number
  /** F8_E4M3 only. */
  readonly blockScale?: StoredBlockScale
}

/** Scales that cover the slice: value = fp8 * values[floor((row + rowPhase) / blockRows)][floor((column + columnPhase) / blockColumns)]. */
export interface StoredBlockScale {
  /** [scale rows, numColumns] */
  readonly values: Float32Array
  readonly numColumns: number
  readonly blockRows: number
  readonly blockColumns: number
  /** Where the slice starts inside its first block. */
  readonly rowPhase: number
  readonly columnPhase: number
}
