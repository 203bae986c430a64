// Owns the attention part of config.json: grouped-query (Llama, Qwen3), factorised (Step-3) and latent (DeepSeek).
import type { Architecture, AttentionConfig } from '../model-config.js'
import type { HfTensorHints } from './hf-config.js'
import type { HfRope } from './hf-rope.js'
import type { KeyReader } from './key-reader.js'
import { maxHeadDim } from './rope.js'

export interface HfAttention {
  readonly attention: AttentionConfig
  readonly ropeDim: number
  readonly interleaved: boolean
}

/** Of the q_a and kv_a norms: transformers constructs them with its default, whatever rms_norm_eps is. */
export const loraNormEps = 1e-6

export function readHfAttention (text: KeyReader, architecture: Architecture, rope: HfRope, hints: HfTensorHints): HfAttention {
  switch (architecture) {
    case 'llama': return readGqa(text, { qkNorm: false, qkvBias: hints.hasQkvBias })
    case 'qwen3':
    case 'qwen3_moe': return readGqa(text, { qkNorm: true, qkvBias: false })
    case 'step3_text': return readMfa(text)
    case 'deepseek_v2':
    case 'deepseek_v3': return readMla(text, rope.softmaxCorrection)
  }
}

function readGqa (text: KeyReader, flags: { qkNorm: boolean, qkvBias: boolean }): HfAttention {
  const numHeads = text.integer('num_attention_heads')
  const numKvHeads = text.integer('num_key_value_heads', { fallback: numHeads })
  if (numHeads % numKvHeads !== 0) throw text.invalid('num_key_value_heads', `a divisor of num_attention_heads (${numHeads})`)
  const headDim = readHeadDim(text, numHeads)
  return { attention: { kind: 'gqa', numHeads, numKvHeads, headDim, ...flags, scale: headDim ** -0.5 }, ropeDim: headDim, interleaved: false }
}

function readMfa (text: KeyReader): HfAttention {
  const numHeads = text.integer('num_attention_heads')
  if (text.integer('num_attention_groups', { fallback: 1 }) !== 1) throw text.unsupported('num_attention_groups', 'Step-3 shares one KV head')
  const headDim = readHeadDim(text, numHeads)
  return {
    attention: { kind: 'mfa', numHeads, numKvHeads: 1, headDim, shareQDim: text.integer('share_q_dim'), scale: headDim ** -0.5 },
    ropeDim: headDim,
    interleaved: false
  }
}

function readMla (text: KeyReader, softmaxCorrection: number): HfAttention {
  const qkNopeHeadDim = text.integer('qk_nope_head_dim')
  const qkRopeHeadDim = text.integer('qk_rope_head_dim', { max: maxHeadDim })
  if (qkRopeHeadDim % 2 !== 0) throw text.invalid('qk_rope_head_dim', 'even')
  // DeepSeek's own V2-Lite config says null; 0 is seen in conversions.
  const qLoraRank = text.integer('q_lora_rank', { min: 0, fallback: 0 })
  return {
    attention: {
      kind: 'mla',
      numHeads: text.integer('num_attention_heads'),
      qLoraRank: qLoraRank === 0 ? null : qLoraRank,
      kvLoraRank: text.integer('kv_lora_rank'),
      qkNopeHeadDim,
      qkRopeHeadDim,
      vHeadDim: text.integer('v_head_dim'),
      loraNormEps,
      scale: (qkNopeHeadDim + qkRopeHeadDim) ** -0.5 * softmaxCorrection
    },
    ropeDim: qkRopeHeadDim,
    interleaved: text.boolean('rope_interleave', true)
  }
}

function readHeadDim (text: KeyReader, numHeads: number): number {
  const hiddenSize = text.integer('hidden_size')
  const headDim = text.integer('head_dim', { max: maxHeadDim, fallback: hiddenSize / numHeads })
  if (!Number.isInteger(headDim) || headDim > maxHeadDim) throw text.invalid('num_attention_heads', `a divisor of hidden_size (${hiddenSize}) when head_dim is absent`)
  if (headDim % 2 !== 0) throw text.invalid('head_dim', 'even')
  return headDim
}
