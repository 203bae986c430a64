export { ggufArchitectures } from './config/gguf-config.js'
export { decoderOf, dequantizeBytes, dequantizeColumns, dequantizeRow, dequantizeRows } from './dequantize/decode.js'
export type { DecodeElements } from './dequantize/decode.js'
export { f16Values, f8E4M3Values } from './dequantize/float-tables.js'
export type { StoredBlockScale, StoredRows } from './dequantize/stored-rows.js'
export { modelErrors } from './errors.js'
export type { ModelErrorCode } from './errors.js'
export { architectures } from './model-config.js'
export type {
  Architecture, AttentionConfig, DenseFfnConfig, FfnConfig, GqaConfig, MfaConfig, MlaConfig, ModelConfig, MoeFfnConfig, RopeConfig, RouterConfig
} from './model-config.js'
export type { Model, TokenizerSource } from './model.js'
export { openModel } from './open-model.js'
export type { OpenModelOptions } from './open-model.js'
export { TensorReader } from './reading/tensor-reader.js'
export type { TensorReaderOptions, TensorSlice } from './reading/tensor-reader.js'
export { bytesOfElements, bytesOfTensor, dtypeBlockBytes, dtypeBlockLength, numColumnsOf, numRowsOf, rowBytesOf } from './weights/dtypes.js'
export { attentionTensorRefs, ffnTensorRefs } from './weights/tensor-refs.js'
export { tensorDtypes } from './weights.js'
export type {
  AttentionLayerWeights, AttentionWeights, FfnLayerWeights, FfnWeights, GatedMlpWeights, GqaWeights, MfaWeights, MlaWeights, TensorDtype, TensorRef
} from './weights.js'
