// Owns the vocabulary of tensor names: which name plays which part, for Hugging Face and GGUF checkpoints. Names only; existence and
// shapes are checked by the resolver.
import type { Architecture } from '../model-config.js'

export interface GatedMlpNames { readonly gate: string, readonly up: string, readonly down: string }

/** Where the experts of a layer may be: as in `plain`, unless the tensor `fused.gateUp` exists. */
export interface ExpertNames {
  readonly plain:
    /** One matrix per expert and projection. */
    | { readonly kind: 'separate', readonly of: (expertId: number) => GatedMlpNames }
    /** Tensors [numExperts, out, in]. */
    | { readonly kind: 'stacked', readonly names: GatedMlpNames }
  /** gate and up as one [numExperts, 2 * intermediate, hidden], gate first. */
  readonly fused?: { readonly gateUp: string, readonly down: string }
}

export interface LayerNames {
  readonly attnNorm: string
  readonly ffnNorm: string
  readonly q: string
  readonly k: string
  readonly v: string
  readonly o: string
  readonly qBias: string
  readonly kBias: string
  readonly vBias: string
  readonly qNorm: string
  readonly kNorm: string
  readonly qA: string
  readonly qANorm: string
  readonly qB: string
  readonly kvA: string
  readonly kvANorm: string
  readonly kvB: string
  /** Only GGUF splits kvB. */
  readonly kB?: string
  readonly vB?: string
  readonly router: string
  readonly routerBias: string
  readonly dense: GatedMlpNames
  readonly experts: ExpertNames
  readonly shared: GatedMlpNames
}

export interface TensorNames {
  readonly tokenEmbd: string
  readonly outputNorm: string
  readonly lmHead: string
  readonly layer: (layerIdx: number) => LayerNames
}

/** `prefix` is "model." in text checkpoints; `headPrefix` precedes lm_head. */
export function hfTensorNames (architecture: Architecture, prefix: string, headPrefix: string): TensorNames {
  return {
    tokenEmbd: `${prefix}embed_tokens.weight`,
    outputNorm: `${prefix}norm.weight`,
    lmHead: `${headPrefix}lm_head.weight`,
    layer: layerIdx => hfLayerNames(architecture, `${prefix}layers.${layerIdx}.`)
  }
}

function hfLayerNames (architecture: Architecture, layer: string): LayerNames {
  const isStep3 = architecture === 'step3_text'
  const attention = `${layer}self_attn.`
  const moe = isStep3 ? `${layer}moe.` : `${layer}mlp.`
  return {
    attnNorm: `${layer}input_layernorm.weight`,
    ffnNorm: `${layer}post_attention_layernorm.weight`,
    q: `${attention}q_proj.weight`,
    k: `${attention}k_proj.weight`,
    v: `${attention}v_proj.weight`,
    o: `${attention}o_proj.weight`,
    qBias: `${attention}q_proj.bias`,
    kBias: `${attention}k_proj.bias`,
    vBias: `${attention}v_proj.bias`,
    qNorm: `${attention}q_norm.weight`,
    kNorm: `${attention}k_norm.weight`,
    // Step-3 calls its low-rank query projection q_proj, the norm inter_norm and the up-projection wq.
    qA: isStep3 ? `${attention}q_proj.weight` : `${attention}q_a_proj.weight`,
    qANorm: isStep3 ? `${attention}inter_norm.weight` : `${attention}q_a_layernorm.weight`,
    qB: isStep3 ? `${attention}wq.weight` : `${attention}q_b_proj.weight`,
    kvA: `${attention}kv_a_proj_with_mqa.weight`,
    kvANorm: `${attention}kv_a_layernorm.weight`,
    kvB: `${attention}kv_b_proj.weight`,
    router: `${moe}gate.weight`,
    routerBias: `${moe}gate.e_score_correction_bias`,
    dense: hfMlp(`${layer}mlp.`),
    experts: isStep3
      ? { plain: { kind: 'stacked', names: hfMlp(moe) } }
      : {
          plain: { kind: 'separate', of: expertId => hfMlp(`${moe}experts.${expertId}.`) },
          fused: { gateUp: `${moe}experts.gate_up_proj`, down: `${moe}experts.down_proj` }
        },
    shared: hfMlp(isStep3 ? `${layer}share_expert.` : `${layer}mlp.shared_experts.`)
  }
}

function hfMlp (prefix: string): GatedMlpNames {
  return { gate: `${prefix}gate_proj.weight`, up: `${prefix}up_proj.weight`, down: `${prefix}down_proj.weight` }
}

export const ggufTensorNames: TensorNames = {
  tokenEmbd: 'token_embd.weight',
  outputNorm: 'output_norm.weight',
  lmHead: 'output.weight',
  layer: layerIdx => ggufLayerNames(`blk.${layerIdx}.`)
}

function ggufLayerNames (layer: string): LayerNames {
  const weight = (name: string): string => `${layer}${name}.weight`
  const mlp = (suffix: string): GatedMlpNames => ({ gate: weight(`ffn_gate${suffix}`), up: weight(`ffn_up${suffix}`), down: weight(`ffn_down${suffix}`) })
  return {
    attnNorm: weight('attn_norm'),
    ffnNorm: weight('ffn_norm'),
    q: weight('attn_q'),
    k: weight('attn_k'),
    v: weight('attn_v'),
    o: weight('attn_output'),
    qBias: `${layer}attn_q.bias`,
    kBias: `${layer}attn_k.bias`,
    vBias: `${layer}attn_v.bias`,
    qNorm: weight('attn_q_norm'),
    kNorm: weight('attn_k_norm'),
    qA: weight('attn_q_a'),
    qANorm: weight('attn_q_a_norm'),
    qB: weight('attn_q_b'),
    kvA: weight('attn_kv_a_mqa'),
    kvANorm: weight('attn_kv_a_norm'),
    kvB: weight('attn_kv_b'),
    kB: weight('attn_k_b'),
    vB: weight('attn_v_b'),
    router: weight('ffn_gate_inp'),
    routerBias: `${layer}exp_probs_b.bias`,
    dense: mlp(''),
    experts: {
      plain: { kind: 'stacked', names: mlp('_exps') },
      fused: { gateUp: weight('ffn_gate_up_exps'), down: weight('ffn_down_exps') }
    },
    shared: mlp('_shexp')
  }
}
