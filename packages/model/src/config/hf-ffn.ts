// Owns the FFN part of config.json: which layers are dense, which are mixtures of experts, and how tokens are routed.
import type { Architecture, FfnConfig, MoeFfnConfig, RouterConfig } from '../model-config.js'
import type { KeyReader } from './key-reader.js'
import { checkRouter, plainSoftmaxRouter } from './router.js'

/** [numLayers] */
export function readHfFfn (text: KeyReader, architecture: Architecture, numLayers: number): FfnConfig[] {
  const isMoe = moeLayersOf(text, architecture)
  return Array.from({ length: numLayers }, (_, layerIdx): FfnConfig =>
    isMoe(layerIdx) ? readMoe(text, architecture) : { kind: 'dense', intermediateSize: text.integer('intermediate_size') })
}

type IsMoeLayer = (layerIdx: number) => boolean

function moeLayersOf (text: KeyReader, architecture: Architecture): IsMoeLayer {
  switch (architecture) {
    case 'llama':
    case 'qwen3': return () => false
    case 'qwen3_moe': {
      const denseLayers = new Set(text.integerList('mlp_only_layers', []))
      const step = text.integer('decoder_sparse_step', { fallback: 1 })
      return layerIdx => !denseLayers.has(layerIdx) && (layerIdx + 1) % step === 0
    }
    case 'deepseek_v2':
    case 'deepseek_v3': {
      const numDense = text.integer('first_k_dense_replace', { min: 0, fallback: 0 })
      const frequency = text.integer('moe_layer_freq', { fallback: 1 })
      return layerIdx => layerIdx >= numDense && layerIdx % frequency === 0
    }
    case 'step3_text': return step3MoeLayers(text)
  }
}

/** `moe_layers_enum` is a comma string in published files, a list in others; absent means all layers but the first. */
function step3MoeLayers (text: KeyReader): IsMoeLayer {
  const value = text.raw('moe_layers_enum')
  if (value === undefined) return layerIdx => layerIdx > 0
  const parts: readonly unknown[] = typeof value === 'string' ? value.split(',').map(part => part.trim()).filter(part => part !== '').map(Number) : text.integerList('moe_layers_enum', [])
  if (!parts.every(part => Number.isInteger(part))) throw text.invalid('moe_layers_enum', 'layer numbers with commas between them')
  const layers = new Set(parts)
  return layerIdx => layers.has(layerIdx)
}

function readMoe (text: KeyReader, architecture: Architecture): MoeFfnConfig {
  const names = expertKeys(architecture)
  const numExperts = text.integer(names.numExperts.find(key => text.has(key)) ?? names.numExperts[0])
  const intermediateSize = text.integer('moe_intermediate_size')
  const topK = text.integer(names.topK)
  const router = checkRouter(text, readRouter(text, architecture, topK), numExperts, names.topK)
  return { kind: 'moe', numExperts, intermediateSize, sharedIntermediateSize: readShared(text, architecture, intermediateSize), router }
}

interface ExpertKeys { readonly numExperts: readonly [string, ...string[]], readonly topK: string }

/** transformers 5 writes num_local_experts for Qwen3-MoE, and may for DeepSeek. */
function expertKeys (architecture: Architecture): ExpertKeys {
  switch (architecture) {
    case 'step3_text': return { numExperts: ['moe_num_experts'], topK: 'moe_top_k' }
    case 'deepseek_v2':
    case 'deepseek_v3': return { numExperts: ['n_routed_experts', 'num_local_experts', 'num_experts'], topK: 'num_experts_per_tok' }
    default: return { numExperts: ['num_experts', 'num_local_experts'], topK: 'num_experts_per_tok' }
  }
}

function readShared (text: KeyReader, architecture: Architecture, intermediateSize: number): number {
  if (architecture === 'step3_text') return text.integer('share_expert_dim', { min: 0, fallback: intermediateSize })
  if (architecture === 'qwen3_moe') return 0
  return text.integer('n_shared_experts', { min: 0, fallback: 0 }) * intermediateSize
}

function readRouter (text: KeyReader, architecture: Architecture, topK: number): RouterConfig {
  switch (architecture) {
    case 'step3_text': return plainSoftmaxRouter(topK, text.boolean('norm_expert_weight', false))
    case 'deepseek_v2': return readDeepseekV2Router(text, topK)
    case 'deepseek_v3': return readDeepseekV3Router(text, topK)
    default: return plainSoftmaxRouter(topK, text.boolean('norm_topk_prob', false))
  }
}

function readDeepseekV2Router (text: KeyReader, topK: number): RouterConfig {
  if (text.string('scoring_func', 'softmax') !== 'softmax') throw text.unsupported('scoring_func', 'DeepSeek-V2 scores with softmax')
  // Published models do not normalise, and implementations disagree on whether the scaling factor then still applies.
  if (text.boolean('norm_topk_prob', false)) throw text.unsupported('norm_topk_prob', 'DeepSeek-V2 does not normalise')
  const method = text.string('topk_method', 'greedy')
  if (method !== 'greedy' && method !== 'group_limited_greedy') throw text.unsupported('topk_method', 'only greedy and group_limited_greedy are')
  const grouped = method === 'group_limited_greedy'
  return {
    ...plainSoftmaxRouter(topK, false),
    numGroups: grouped ? text.integer('n_group') : 1,
    topKGroups: grouped ? text.integer('topk_group') : 1,
    scalingFactor: text.number('routed_scaling_factor', { fallback: 1 })
  }
}

function readDeepseekV3Router (text: KeyReader, topK: number): RouterConfig {
  if (text.string('scoring_func', 'sigmoid') !== 'sigmoid') throw text.unsupported('scoring_func', 'DeepSeek-V3 scores with sigmoid')
  if (text.string('topk_method', 'noaux_tc') !== 'noaux_tc') throw text.unsupported('topk_method', 'only noaux_tc is')
  return {
    scoring: 'sigmoid',
    topK,
    numGroups: text.integer('n_group', { fallback: 1 }),
    topKGroups: text.integer('topk_group', { fallback: 1 }),
    groupScore: 'top2_sum',
    hasBias: true,
    normTopk: text.boolean('norm_topk_prob', true),
    scalingFactor: text.number('routed_scaling_factor', { fallback: 1 })
  }
}
