// Owns tiny checkpoints for tests: those of make_golden.py as files, a hand-written Step-3 one, and GGUF ones by architecture.
import type { GgufEntry, GgufTensorSpec } from './gguf-file.js'
import type { GoldenCheckpoint } from './golden.js'
import { encodeSafetensors } from './safetensors-file.js'
import type { TensorSpec } from './safetensors-file.js'

export type TensorSpecs = Record<string, TensorSpec>
export type Json = Record<string, unknown>

export function tensorsOf (golden: GoldenCheckpoint): TensorSpecs {
  return Object.fromEntries(Object.entries(golden.tensors).map(([name, [dtype, shape]]) => [name, { dtype, shape }]))
}

/** Files of a Hugging Face directory. */
export function hfFiles (config: Json, tensors: TensorSpecs, generationConfig?: Json | null): Record<string, unknown> {
  const files = { 'config.json': config, 'model.safetensors': encodeSafetensors(tensors) }
  return generationConfig ? { ...files, 'generation_config.json': generationConfig } : files
}

/** A config of transformers 5 as transformers 4 writes it. */
export function asTransformers4 (config: Json): Json {
  const { rope_parameters: parameters, dtype, ...rest } = config
  const { rope_theta: theta, rope_type: type, ...scaling } = (parameters ?? {}) as Json
  return {
    ...rest, torch_dtype: dtype, rope_theta: theta, rope_scaling: type === 'default' ? null : { type, ...scaling }, transformers_version: '4.45.0'
  }
}

/** Shaped like stepfun-ai/step3's text_config: dense, MoE, dense. */
export const step3Config: Json = {
  architectures: ['Step3TextForCausalLM'],
  model_type: 'step3_text',
  hidden_size: 32,
  intermediate_size: 48,
  num_attention_heads: 4,
  num_attention_groups: 1,
  num_hidden_layers: 3,
  max_seq_len: 4096,
  vocab_size: 64,
  rms_norm_eps: 1e-5,
  moe_intermediate_size: 16,
  moe_num_experts: 4,
  moe_top_k: 3,
  rope_theta: 500_000,
  rope_scaling: null,
  max_position_embedding: 4096,
  share_expert_dim: 24,
  share_q_dim: 24,
  head_dim: 16,
  norm_expert_weight: false,
  moe_layers_enum: '1',
  eos_token_id: [1, 3],
  torch_dtype: 'bfloat16'
}

export function step3Tensors (dtype = 'BF16'): TensorSpecs {
  const tensors: TensorSpecs = {}
  const add = (name: string, ...shape: number[]): void => { tensors[name] = { dtype, shape } }
  add('model.embed_tokens.weight', 64, 32)
  add('model.norm.weight', 32)
  add('lm_head.weight', 64, 32)
  for (const layerIdx of [0, 1, 2]) {
    const layer = `model.layers.${layerIdx}.`
    add(`${layer}input_layernorm.weight`, 32)
    add(`${layer}post_attention_layernorm.weight`, 32)
    add(`${layer}self_attn.q_proj.weight`, 24, 32)
    add(`${layer}self_attn.k_proj.weight`, 16, 32)
    add(`${layer}self_attn.v_proj.weight`, 16, 32)
    add(`${layer}self_attn.inter_norm.weight`, 24)
    add(`${layer}self_attn.wq.weight`, 64, 24)
    add(`${layer}self_attn.o_proj.weight`, 32, 64)
    if (layerIdx !== 1) {
      addMlp(add, `${layer}mlp.`, 48)
      continue
    }
    add(`${layer}moe.gate.weight`, 4, 32)
    add(`${layer}moe.gate_proj.weight`, 4, 16, 32)
    add(`${layer}moe.up_proj.weight`, 4, 16, 32)
    add(`${layer}moe.down_proj.weight`, 4, 32, 16)
    addMlp(add, `${layer}share_expert.`, 24)
  }
  return tensors
}

function addMlp (add: (name: string, ...shape: number[]) => void, prefix: string, intermediateSize: number): void {
  add(`${prefix}gate_proj.weight`, intermediateSize, 32)
  add(`${prefix}up_proj.weight`, intermediateSize, 32)
  add(`${prefix}down_proj.weight`, 32, intermediateSize)
}

export interface GgufModel { readonly entries: GgufEntry[], readonly tensors: GgufTensorSpec[] }

/** One layer, hidden 32, 4 heads of 16; `extra` entries come last and replace earlier ones of their key. */
export function ggufModel (architecture: string, tensors: Readonly<Record<string, readonly number[]>>, extra: readonly GgufEntry[] = []): GgufModel {
  const base: GgufEntry[] = [
    ['general.architecture', 'string', architecture],
    [`${architecture}.block_count`, 'u32', 1],
    [`${architecture}.context_length`, 'u32', 128],
    [`${architecture}.embedding_length`, 'u32', 32],
    [`${architecture}.feed_forward_length`, 'u32', 48],
    [`${architecture}.attention.head_count`, 'u32', 4],
    [`${architecture}.attention.head_count_kv`, 'u32', 2],
    [`${architecture}.attention.key_length`, 'u32', 16],
    [`${architecture}.attention.value_length`, 'u32', 16],
    [`${architecture}.attention.layer_norm_rms_epsilon`, 'f32', 0.5],
    [`${architecture}.rope.freq_base`, 'f32', 10_000],
    [`${architecture}.vocab_size`, 'u32', 24]
  ]
  const replaced = new Set(extra.map(([key]) => key))
  const shared = { 'token_embd.weight': [24, 32], 'output_norm.weight': [32], 'blk.0.attn_norm.weight': [32], 'blk.0.ffn_norm.weight': [32] }
  return {
    entries: [...base.filter(([key]) => !replaced.has(key)), ...extra],
    tensors: Object.entries({ ...shared, ...tensors }).map(([name, shape]) => ({ name, shape }))
  }
}

export const ggufGqaTensors = {
  'blk.0.attn_q.weight': [64, 32],
  'blk.0.attn_k.weight': [32, 32],
  'blk.0.attn_v.weight': [32, 32],
  'blk.0.attn_output.weight': [32, 64]
}
export const ggufDenseTensors = { 'blk.0.ffn_gate.weight': [48, 32], 'blk.0.ffn_up.weight': [48, 32], 'blk.0.ffn_down.weight': [32, 48] }
export const ggufMoeTensors = {
  'blk.0.ffn_gate_inp.weight': [4, 32],
  'blk.0.ffn_gate_exps.weight': [4, 16, 32],
  'blk.0.ffn_up_exps.weight': [4, 16, 32],
  'blk.0.ffn_down_exps.weight': [4, 32, 16]
}
