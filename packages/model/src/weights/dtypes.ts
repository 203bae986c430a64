// Owns the arithmetic of storage formats: how many elements and bytes a block has, hence the size of
// rows and tensors. Decoding is dequantize/.
import { assert } from '@tandem/core'
import type { TensorDtype, TensorRef } from '../weights.js'

interface BlockLayout { readonly length: number, readonly bytes: number }

const layouts: Readonly<Record<TensorDtype, BlockLayout>> = {
  F32: { length: 1, bytes: 4 },
  F16: { length: 1, bytes: 2 },
  BF16: { length: 1, bytes: 2 },
  F8_E4M3: { length: 1, bytes: 1 },
  Q8_0: { length: 32, bytes: 34 }, // f16 d, 32 x i8
  Q4_0: { length: 32, bytes: 18 }, // f16 d, 16 bytes of nibbles
  Q4_1: { length: 32, bytes: 20 }, // f16 d, f16 m, 16
  Q5_0: { length: 32, bytes: 22 }, // f16 d, u32 fifth bits, 16
  Q5_1: { length: 32, bytes: 24 }, // f16 d, f16 m, u32 fifth bits, 16
  Q4_K: { length: 256, bytes: 144 }, // f16 d, f16 dmin, 12 scales, 128
  Q5_K: { length: 256, bytes: 176 }, // f16 d, f16 dmin, 12 scales, 32 fifth bits, 128
  Q6_K: { length: 256, bytes: 210 } // 128 low, 64 high, 16 scales, f16 d
}

/** Elements that are stored together and cannot be cut: 1, 32 or 256. */
export function dtypeBlockLength (dtype: TensorDtype): number {
  return layouts[dtype].length
}

/** Bytes of one block of `dtypeBlockLength` elements. */
export function dtypeBlockBytes (dtype: TensorDtype): number {
  return layouts[dtype].bytes
}

/** Bytes of `numElements` contiguous elements; they must be whole blocks. */
export function bytesOfElements (dtype: TensorDtype, numElements: number): number {
  const { length, bytes } = layouts[dtype]
  assert(numElements % length === 0, `${numElements} elements are not whole ${dtype} blocks of ${length}`)
  return (numElements / length) * bytes
}

/** Number of rows: the product of all dimensions but the last; 1 for a vector. */
export function numRowsOf (ref: Pick<TensorRef, 'shape'>): number {
  let rows = 1
  for (let i = 0; i < ref.shape.length - 1; i++) rows *= ref.shape[i] ?? 1
  return rows
}

/** Elements of one row: the last, contiguous dimension. */
export function numColumnsOf (ref: Pick<TensorRef, 'shape'>): number {
  return ref.shape[ref.shape.length - 1] ?? 1
}

/** Bytes of one row as stored. */
export function rowBytesOf (ref: Pick<TensorRef, 'dtype' | 'shape'>): number {
  return bytesOfElements(ref.dtype, numColumnsOf(ref))
}

/** Bytes a reader of this tensor takes from disk: the tensor and, for F8_E4M3, its block scales. */
export function bytesOfTensor (ref: TensorRef): number {
  return ref.byteLength + (ref.blockScale?.ref.byteLength ?? 0)
}
