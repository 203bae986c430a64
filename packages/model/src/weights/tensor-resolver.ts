// Owns turning a stored tensor into a reference with a known part: it must exist, have the shape the config implies and a format
// Tandem decodes. Also cuts stacked tensors into references by offset.
import { assert } from '@tandem/core'
import { formatShape, modelError } from '../errors.js'
import { tensorDtypes } from '../weights.js'
import type { TensorRef } from '../weights.js'
import { rowBytesOf } from './dtypes.js'
import type { StoredTensor, TensorTable } from './stored-tensor.js'

/** quantization_config.weight_block_size of block-FP8 checkpoints. */
export interface ScaleBlock { readonly rows: number, readonly columns: number }

export class TensorResolver {
  /** `path` is the checkpoint's, for messages about tensors that are in no file. */
  constructor (readonly path: string, readonly tensors: TensorTable, readonly scaleBlock?: ScaleBlock) {}

  has (name: string): boolean {
    return this.tensors.has(name)
  }

  /** @throws `tensor_missing`, `tensor_shape_mismatch`, `tensor_dtype_unsupported` */
  require (name: string, shape: readonly number[]): TensorRef {
    const { dtype, storedDtype, path, offset, byteLength } = this.#stored(name, shape)
    if (dtype === null) throw modelError('tensor_dtype_unsupported', { path, tensor: name, actual: storedDtype, expected: tensorDtypes.join(', ') })
    const ref: TensorRef = { name, dtype, shape, path, offset, byteLength }
    return dtype === 'F8_E4M3' ? { ...ref, blockScale: this.#scaleOf(ref) } : ref
  }

  #stored (name: string, shape: readonly number[]): StoredTensor {
    const stored = this.tensors.get(name)
    if (stored === undefined) throw modelError('tensor_missing', { path: this.path, tensor: name, expected: formatShape(shape) })
    const isSame = stored.shape.length === shape.length && stored.shape.every((size, i) => size === shape[i])
    if (isSame) return stored
    throw modelError('tensor_shape_mismatch', { path: stored.path, tensor: name, actual: formatShape(stored.shape), expected: formatShape(shape) })
  }

  /** `NAME_scale_inv`, [..., ceil(rows / blockRows), ceil(columns / blockColumns)]; DeepSeek-V3's convention. */
  #scaleOf (ref: TensorRef): NonNullable<TensorRef['blockScale']> {
    const block = this.scaleBlock
    if (block === undefined || ref.shape.length < 2) {
      const expected = 'a matrix with quantization_config.weight_block_size'
      throw modelError('tensor_dtype_unsupported', { path: ref.path, tensor: ref.name, actual: ref.dtype, expected })
    }
    const [rows = 0, columns = 0] = ref.shape.slice(-2)
    const shape = [...ref.shape.slice(0, -2), Math.ceil(rows / block.rows), Math.ceil(columns / block.columns)]
    return { ref: this.require(`${ref.name}_scale_inv`, shape), blockRows: block.rows, blockColumns: block.columns }
  }
}

/**
 * Rows [rowStart, rowEnd) of item `index` of a stacked tensor [count, rows, columns], as a matrix of its own. With block scales the cut
 * must lie between blocks.
 */
export function sliceStacked (ref: TensorRef, index: number, rowStart: number, rowEnd: number): TensorRef {
  const [count = 0, rows = 0, columns = 0] = ref.shape
  assert(ref.shape.length === 3 && index < count && rowStart < rowEnd && rowEnd <= rows, `${ref.name} has no slice ${index} [${rowStart}, ${rowEnd})`)
  const rowBytes = rowBytesOf(ref)
  const { blockScale, ...plain } = ref
  const slice: TensorRef = {
    ...plain,
    name: `${ref.name}[${index}]`,
    shape: [rowEnd - rowStart, columns],
    offset: ref.offset + (index * rows + rowStart) * rowBytes,
    byteLength: (rowEnd - rowStart) * rowBytes
  }
  if (blockScale === undefined) return slice
  const { ref: scale, blockRows } = blockScale
  if (rowStart % blockRows !== 0) {
    throw modelError('tensor_shape_mismatch', {
      path: ref.path, tensor: ref.name, actual: formatShape(ref.shape), expected: `pieces that start at a multiple of ${blockRows} rows`
    })
  }
  return { ...slice, blockScale: { ...blockScale, ref: sliceStacked(scale, index, rowStart / blockRows, Math.ceil(rowEnd / blockRows)) } }
}
