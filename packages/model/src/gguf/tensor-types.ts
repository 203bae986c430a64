// Owns GGUF's numbering of tensor formats (ggml's type ids). Formats without a `dtype` are known by size only:
// such a tensor is refused when the model needs it.
import { dtypeBlockBytes, dtypeBlockLength } from '../weights/dtypes.js'
import type { TensorDtype } from '../weights.js'

export interface GgufTensorType {
  readonly name: string
  readonly dtype: TensorDtype | null
  readonly blockLength: number
  readonly blockBytes: number
}

function decoded (dtype: TensorDtype): GgufTensorType {
  return { name: dtype, dtype, blockLength: dtypeBlockLength(dtype), blockBytes: dtypeBlockBytes(dtype) }
}

function sizedOnly (name: string, blockLength: number, blockBytes: number): GgufTensorType {
  return { name, dtype: null, blockLength, blockBytes }
}

/** By type id. Source: ggml's type table, gguf-py `GGML_QUANT_SIZES`. */
export const ggufTensorTypes: ReadonlyMap<number, GgufTensorType> = new Map([
  [0, decoded('F32')],
  [1, decoded('F16')],
  [2, decoded('Q4_0')],
  [3, decoded('Q4_1')],
  [6, decoded('Q5_0')],
  [7, decoded('Q5_1')],
  [8, decoded('Q8_0')],
  [9, sizedOnly('Q8_1', 32, 40)],
  [10, sizedOnly('Q2_K', 256, 84)],
  [11, sizedOnly('Q3_K', 256, 110)],
  [12, decoded('Q4_K')],
  [13, decoded('Q5_K')],
  [14, decoded('Q6_K')],
  [15, sizedOnly('Q8_K', 256, 292)],
  [16, sizedOnly('IQ2_XXS', 256, 66)],
  [17, sizedOnly('IQ2_XS', 256, 74)],
  [18, sizedOnly('IQ3_XXS', 256, 98)],
  [19, sizedOnly('IQ1_S', 256, 50)],
  [20, sizedOnly('IQ4_NL', 32, 18)],
  [21, sizedOnly('IQ3_S', 256, 110)],
  [22, sizedOnly('IQ2_S', 256, 82)],
  [23, sizedOnly('IQ4_XS', 256, 136)],
  [24, sizedOnly('I8', 1, 1)],
  [25, sizedOnly('I16', 1, 2)],
  [26, sizedOnly('I32', 1, 4)],
  [27, sizedOnly('I64', 1, 8)],
  [28, sizedOnly('F64', 1, 8)],
  [29, sizedOnly('IQ1_M', 256, 56)],
  [30, decoded('BF16')],
  [34, sizedOnly('TQ1_0', 256, 54)],
  [35, sizedOnly('TQ2_0', 256, 66)],
  [39, sizedOnly('MXFP4', 32, 17)]
])
