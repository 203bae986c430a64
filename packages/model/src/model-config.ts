// Owns the normalised description of a model: what every backend, the scheduler and the gateway read.
// config.json and GGUF metadata are translated into this once (see config/); nobody else parses them.

export const architectures = ['llama', 'qwen3', 'qwen3_moe', 'deepseek_v2', 'deepseek_v3', 'step3_text'] as const
export type Architecture = typeof architectures[number]

/** Multi-head, grouped-query or multi-query attention (Llama, Qwen3). Query head i reads KV head floor(i / (numHeads / numKvHeads)). */
export interface GqaConfig {
  readonly kind: 'gqa'
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  /** Per-head RMSNorm on q and k before RoPE (Qwen3). */
  readonly qkNorm: boolean
  /** q, k and v projections carry biases (some Llama-family checkpoints). */
  readonly qkvBias: boolean
}

/** Multi-matrix factorisation attention (Step-3): low-rank queries, one shared KV head. */
export interface MfaConfig {
  readonly kind: 'mfa'
  readonly numHeads: number
  readonly numKvHeads: 1
  readonly headDim: number
  readonly shareQDim: number
}

/** Multi-head latent attention (DeepSeek-V2/V3). The cache holds [kvLoraRank + qkRopeHeadDim] per token. */
export interface MlaConfig {
  readonly kind: 'mla'
  readonly numHeads: number
  /** null: queries are projected directly (V2-Lite). */
  readonly qLoraRank: number | null
  readonly kvLoraRank: number
  readonly qkNopeHeadDim: number
  readonly qkRopeHeadDim: number
  readonly vHeadDim: number
  /** Epsilon of the q_a and kv_a norms (1e-6). */
  readonly loraNormEps: number
}

export type AttentionConfig = (GqaConfig | MfaConfig | MlaConfig) & {
  /** Multiplies q.k; YaRN's softmax correction is already inside. */
  readonly scale: number
}

export interface RopeConfig {
  /** Rotated dimensions per head (headDim, or qkRopeHeadDim for MLA). */
  readonly dim: number
  /** true: pairs (2i, 2i+1); false: pairs (i, i + dim/2), "rotate half". GGUF files of the llama architecture are interleaved. */
  readonly interleaved: boolean
  /** [dim / 2] radians per position, every scaling rule (linear, llama3, YaRN, rope_freqs) already applied. */
  readonly invFreq: Float32Array
  /** Multiplies cos and sin (YaRN attention factor); 1 otherwise. */
  readonly attentionFactor: number
}

export interface DenseFfnConfig {
  readonly kind: 'dense'
  readonly intermediateSize: number
}

export interface RouterConfig {
  readonly scoring: 'softmax' | 'sigmoid'
  readonly topK: number
  /** 1 is no grouping. */
  readonly numGroups: number
  readonly topKGroups: number
  /** How a group is scored: its best score (V2), or the sum of its two best biased scores (V3). */
  readonly groupScore: 'max' | 'top2_sum'
  /** A per-expert bias takes part in selection only (V3). */
  readonly hasBias: boolean
  /** Divide the chosen weights by their sum. */
  readonly normTopk: boolean
  /** Multiplies the chosen weights last. */
  readonly scalingFactor: number
}

export interface MoeFfnConfig {
  readonly kind: 'moe'
  readonly numExperts: number
  /** Intermediate size of one routed expert. */
  readonly intermediateSize: number
  /** Intermediate size of the shared expert; 0 when there is none. Added unweighted. */
  readonly sharedIntermediateSize: number
  readonly router: RouterConfig
}

export type FfnConfig = DenseFfnConfig | MoeFfnConfig

export interface ModelConfig {
  readonly architecture: Architecture
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly numLayers: number
  /** Longest context the checkpoint states, in tokens. */
  readonly maxModelLen: number
  readonly rmsNormEps: number
  /** lm_head is token_embd. */
  readonly tieWordEmbeddings: boolean
  readonly attention: AttentionConfig
  readonly rope: RopeConfig
  /** [numLayers] */
  readonly ffn: readonly FfnConfig[]
  readonly bosTokenId: number | null
  /** Tokens that end a sequence (eos, end of turn); from generation_config.json too. */
  readonly eosTokenIds: readonly number[]
}
