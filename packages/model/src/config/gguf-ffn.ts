// Owns the FFN part of GGUF metadata: dense layers, mixtures of experts, routers.
import type { FfnConfig, MoeFfnConfig, RouterConfig } from '../model-config.js'
import type { TensorTable } from '../weights/stored-tensor.js'
import type { GgufArchitecture } from './gguf-config.js'
import type { KeyReader } from './key-reader.js'
import { checkRouter, plainSoftmaxRouter } from './router.js'

const softmaxGating = 1
const sigmoidGating = 2
const topKKey = 'expert_used_count'

export interface GgufFfn {
  /** [numLayers] */
  readonly ffn: readonly FfnConfig[]
  /** deepseek2 covers V2 and V3; V3 scores with sigmoid. */
  readonly isV3: boolean
}

export function readGgufFfn (keys: KeyReader, name: GgufArchitecture, numLayers: number, tensors: TensorTable): GgufFfn {
  const isMoe = (layerIdx: number): boolean => {
    if (name === 'llama' || name === 'qwen3') return false
    if (name === 'deepseek2') return layerIdx >= keys.integer('leading_dense_block_count', { min: 0, fallback: 0 })
    // No key lists the dense layers of these two: the router's presence does.
    return tensors.has(`blk.${layerIdx}.ffn_gate_inp.weight`)
  }
  if (name === 'llama' && keys.integer('expert_count', { min: 0, fallback: 0 }) > 0) throw keys.unsupported('expert_count', 'llama layers are dense')
  // No key says so; one layer with a bias means all of them must have it.
  const hasBias = [...tensors.keys()].some(tensor => tensor.endsWith('.exp_probs_b.bias'))
  const ffn = Array.from({ length: numLayers }, (_, layerIdx): FfnConfig =>
    isMoe(layerIdx) ? readMoe(keys, name, hasBias) : { kind: 'dense', intermediateSize: keys.integer('feed_forward_length') })
  const isV3 = name === 'deepseek2' && ffn.some(layer => layer.kind === 'moe' && layer.router.scoring === 'sigmoid')
  return { ffn, isV3 }
}

function readMoe (keys: KeyReader, name: GgufArchitecture, hasBias: boolean): MoeFfnConfig {
  const numExperts = keys.integer('expert_count')
  const intermediateSize = keys.integer('expert_feed_forward_length')
  const router = checkRouter(keys, readRouter(keys, name, hasBias), numExperts, topKKey)
  return { kind: 'moe', numExperts, intermediateSize, sharedIntermediateSize: readShared(keys, intermediateSize), router }
}

function readShared (keys: KeyReader, intermediateSize: number): number {
  const numShared = keys.integer('expert_shared_count', { min: 0, fallback: 0 })
  return keys.integer('expert_shared_feed_forward_length', { min: 0, fallback: numShared * intermediateSize })
}

function readRouter (keys: KeyReader, name: GgufArchitecture, hasBias: boolean): RouterConfig {
  const topK = keys.integer(topKKey)
  if (name !== 'deepseek2') return plainSoftmaxRouter(topK, keys.boolean('expert_weights_norm', name === 'qwen3moe'))
  const gating = keys.integer('expert_gating_func', { fallback: softmaxGating })
  if (gating !== softmaxGating && gating !== sigmoidGating) throw keys.unsupported('expert_gating_func', 'only 1 (softmax) and 2 (sigmoid) are')
  const numGroups = keys.integer('expert_group_count', { fallback: 1 })
  const isSigmoid = gating === sigmoidGating
  const normTopk = keys.boolean('expert_weights_norm', isSigmoid)
  if (!isSigmoid && normTopk) throw keys.unsupported('expert_weights_norm', 'DeepSeek-V2 does not normalise')
  return {
    scoring: isSigmoid ? 'sigmoid' : 'softmax',
    topK,
    numGroups,
    topKGroups: keys.integer('expert_group_used_count', { fallback: numGroups }),
    groupScore: isSigmoid ? 'top2_sum' : 'max',
    hasBias,
    normTopk,
    scalingFactor: keys.number('expert_weights_scale', { fallback: 1 })
  }
}
