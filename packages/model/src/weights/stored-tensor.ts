// Owns the table of what a checkpoint's files contain, before any of it has a meaning: name, format, shape and
// place of each tensor. Both container formats produce it; weights/ gives tensors their parts.
import { modelError } from '../errors.js'
import type { TensorDtype } from '../weights.js'

export interface StoredTensor {
  readonly name: string
  /** null: a format Tandem does not decode; refused when a part of the model needs it. */
  readonly dtype: TensorDtype | null
  /** The container's own word for the format, for messages and the fingerprint. */
  readonly storedDtype: string
  /** Row-major, the last dimension contiguous; [] is a scalar. */
  readonly shape: readonly number[]
  readonly path: string
  /** Bytes from the start of the file. */
  readonly offset: number
  readonly byteLength: number
}

export type TensorTable = ReadonlyMap<string, StoredTensor>

/** Joins the tables of a checkpoint's files. Throws `tensor_duplicate` when a name is in two of them. */
export function mergeTensorTables (tables: ReadonlyArray<readonly StoredTensor[]>): TensorTable {
  const merged = new Map<string, StoredTensor>()
  for (const table of tables) {
    for (const tensor of table) {
      if (merged.has(tensor.name)) throw modelError('tensor_duplicate', { path: tensor.path, tensor: tensor.name })
      merged.set(tensor.name, tensor)
    }
  }
  return merged
}
