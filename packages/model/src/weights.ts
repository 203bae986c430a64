// Owns the canonical shape of a checkpoint: which tensor plays which part, as references into files.
// A reference is plain data (path, offset, dtype, shape): reading is the caller's decision, so an attention
// worker never touches FFN bytes and the native engine can map the file by itself.

/** Storage formats. Block formats (Q*) are GGUF's; F8_E4M3 comes with block scales. */
export const tensorDtypes = [
  'F32', 'F16', 'BF16', 'F8_E4M3', 'Q8_0', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q4_K', 'Q5_K', 'Q6_K'
] as const
export type TensorDtype = typeof tensorDtypes[number]

/** A row-major tensor inside a file. The last dimension is contiguous; matrices are [out, in]. */
export interface TensorRef {
  /** Name in the checkpoint, for messages. */
  readonly name: string
  readonly dtype: TensorDtype
  readonly shape: readonly number[]
  readonly path: string
  /** Bytes from the start of the file. */
  readonly offset: number
  readonly byteLength: number
  /** F8_E4M3 only: value = fp8 * scale[floor(row / blockRows)][floor(column / blockColumns)]. */
  readonly blockScale?: { readonly ref: TensorRef, readonly blockRows: number, readonly blockColumns: number }
}

export interface GqaWeights {
  readonly kind: 'gqa'
  readonly q: TensorRef
  readonly k: TensorRef
  readonly v: TensorRef
  readonly o: TensorRef
  readonly qBias?: TensorRef
  readonly kBias?: TensorRef
  readonly vBias?: TensorRef
  /** [headDim] */
  readonly qNorm?: TensorRef
  readonly kNorm?: TensorRef
}

export interface MfaWeights {
  readonly kind: 'mfa'
  /** [shareQDim, hiddenSize] */
  readonly qA: TensorRef
  /** [shareQDim] */
  readonly qANorm: TensorRef
  /** [numHeads * headDim, shareQDim] */
  readonly qB: TensorRef
  readonly k: TensorRef
  readonly v: TensorRef
  readonly o: TensorRef
}

export interface MlaWeights {
  readonly kind: 'mla'
  /** Set when qLoraRank is null: [numHeads * (nope + rope), hiddenSize]. */
  readonly q?: TensorRef
  readonly qA?: TensorRef
  readonly qANorm?: TensorRef
  readonly qB?: TensorRef
  /** [kvLoraRank + rope, hiddenSize] */
  readonly kvA: TensorRef
  readonly kvANorm: TensorRef
  /** Either [numHeads * (nope + v), kvLoraRank], rows per head: nope then v ... */
  readonly kvB?: TensorRef
  /** ... or split as GGUF does: kB [numHeads, kvLoraRank, nope] (already transposed), vB [numHeads, v, kvLoraRank]. */
  readonly kB?: TensorRef
  readonly vB?: TensorRef
  readonly o: TensorRef
}

export interface AttentionLayerWeights {
  readonly attnNorm: TensorRef
  readonly attention: GqaWeights | MfaWeights | MlaWeights
  /** The norm in front of the FFN; it is applied on the attention side. */
  readonly ffnNorm: TensorRef
  /** MoE layers: [numExperts, hiddenSize]. */
  readonly router?: TensorRef
  /** [numExperts] float32 (DeepSeek-V3). */
  readonly routerBias?: TensorRef
}

/** All an attention worker may read. */
export interface AttentionWeights {
  readonly tokenEmbd: TensorRef
  readonly layers: readonly AttentionLayerWeights[]
  readonly outputNorm: TensorRef
  /** The same reference as tokenEmbd when tied. */
  readonly lmHead: TensorRef
}

/** gate and up are [intermediate, hidden], down is [hidden, intermediate]. */
export interface GatedMlpWeights {
  readonly gate: TensorRef
  readonly up: TensorRef
  readonly down: TensorRef
}

export type FfnLayerWeights =
  | ({ readonly kind: 'dense' } & GatedMlpWeights)
  | { readonly kind: 'moe', readonly experts: readonly GatedMlpWeights[], readonly shared?: GatedMlpWeights }

/** All an FFN worker may read. */
export interface FfnWeights {
  readonly layers: readonly FfnLayerWeights[]
}
