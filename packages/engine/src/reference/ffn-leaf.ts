// Owns the arithmetic of one virtual shard: which of its MLPs a token goes through and in which order they are added.
import { gatedMlp, type GatedMlp } from './gated-mlp.js'

/** What one layer is in one shard. Parts without work (more shards than units) are left out. */
export interface FfnLeafLayer {
  /** Slice of the dense MLP or of the shared expert: every token goes through it, unweighted. */
  readonly always?: GatedMlp
  /** Routed experts, or slices of them, by ascending expert id. */
  readonly experts: ReadonlyMap<number, GatedMlp>
}

export interface FfnLeaf {
  /** [numLayers] */
  readonly layers: readonly FfnLeafLayer[]
  readonly byteLength: number
}

/** The FFN's input for a batch of tokens. */
export interface RoutedHidden {
  /** [numTokens, hiddenSize] */
  readonly hidden: Float32Array
  readonly hiddenSize: number
  /** [numTokens, topK]; empty on dense layers. */
  readonly topkIds: Uint16Array
  readonly topkWeights: Float32Array
}

/**
 * partial = sum over the shard's experts e, ascending, of weight_e * MLP_e(x) for tokens routed to e, then + MLP_always(x)
 * (facts/models.md, A.3 and B.4). Each addition is rounded to float32. [numTokens, hiddenSize].
 */
export function leafPartial (layer: FfnLeafLayer, { hidden, hiddenSize, topkIds, topkWeights }: RoutedHidden): Float32Array {
  const partial = new Float32Array(hidden.length)
  const numTokens = hidden.length / hiddenSize
  const topK = topkIds.length / numTokens
  for (const [expertId, expert] of layer.experts) {
    const uses = usesOf(expertId, topkIds)
    if (uses.length === 0) continue
    const input = new Float32Array(uses.length * hiddenSize)
    uses.forEach((use, i) => {
      const token = Math.floor(use / topK)
      input.set(hidden.subarray(token * hiddenSize, (token + 1) * hiddenSize), i * hiddenSize)
    })
    const output = gatedMlp(input, uses.length, expert)
    uses.forEach((use, i) => {
      const start = Math.floor(use / topK) * hiddenSize
      for (let j = 0; j < hiddenSize; j++) partial[start + j]! += topkWeights[use]! * output[i * hiddenSize + j]!
    })
  }
  if (layer.always !== undefined) {
    const output = gatedMlp(hidden, numTokens, layer.always)
    for (let i = 0; i < partial.length; i++) partial[i]! += output[i]!
  }
  return partial
}

/** Indices into `topkIds` that name the expert. */
function usesOf (expertId: number, topkIds: Uint16Array): number[] {
  const uses: number[] = []
  topkIds.forEach((id, use) => { if (id === expertId) uses.push(use) })
  return uses
}
