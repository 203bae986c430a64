export { architectures } from './model-config.js'
export type {
  Architecture, AttentionConfig, DenseFfnConfig, FfnConfig, GqaConfig, MfaConfig, MlaConfig, ModelConfig, MoeFfnConfig, RopeConfig, RouterConfig
} from './model-config.js'
export type { Model, TokenizerSource } from './model.js'
export { tensorDtypes } from './weights.js'
export type {
  AttentionLayerWeights, AttentionWeights, FfnLayerWeights, FfnWeights, GatedMlpWeights, GqaWeights, MfaWeights, MlaWeights, TensorDtype, TensorRef
} from './weights.js'
