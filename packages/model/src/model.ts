// Owns the opened checkpoint: config, weight references and where the tokenizer is. Opening reads
// headers only.
import type { ModelConfig } from './model-config.js'
import type { AttentionWeights, FfnWeights } from './weights.js'

/** Where tokenizer and chat template come from. */
export type TokenizerSource =
  | { readonly kind: 'hf', readonly directory: string }
  | { readonly kind: 'gguf', readonly path: string, readonly metadata: ReadonlyMap<string, unknown> }

export interface Model {
  /** Served name: the directory's or file's base name, unless configured. */
  readonly name: string
  readonly path: string
  readonly format: 'safetensors' | 'gguf'
  readonly config: ModelConfig
  readonly attention: AttentionWeights
  readonly ffn: FfnWeights
  readonly tokenizer: TokenizerSource
  /** sha256 (hex) over config and tensor table; workers of one cluster must agree on it. */
  readonly fingerprint: string
}
