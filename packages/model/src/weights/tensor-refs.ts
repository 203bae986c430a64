// Owns listing the tensors of each side, for byte counts, progress and the native engine.
import type { Model } from '../model.js'
import type { GatedMlpWeights, TensorRef } from '../weights.js'

/** Every tensor an attention worker reads, each once (a tied LM head is the embedding). */
export function attentionTensorRefs (model: Pick<Model, 'attention'>): TensorRef[] {
  const { tokenEmbd, layers, outputNorm, lmHead } = model.attention
  const refs = [tokenEmbd, outputNorm]
  if (lmHead !== tokenEmbd) refs.push(lmHead)
  for (const { attnNorm, attention, ffnNorm, router, routerBias } of layers) {
    const parts: ReadonlyArray<TensorRef | string | undefined> = Object.values(attention)
    refs.push(...[attnNorm, ...parts, ffnNorm, router, routerBias].filter(isRef))
  }
  return refs
}

/** Every tensor an FFN worker reads; experts are references of their own. */
export function ffnTensorRefs (model: Pick<Model, 'ffn'>): TensorRef[] {
  return model.ffn.layers.flatMap(layer => {
    if (layer.kind === 'dense') return mlpRefs(layer)
    return [...layer.experts.flatMap(mlpRefs), ...(layer.shared === undefined ? [] : mlpRefs(layer.shared))]
  })
}

function mlpRefs ({ gate, up, down }: GatedMlpWeights): TensorRef[] {
  return [gate, up, down]
}

/** The other properties are `kind` and absent parts. */
function isRef (part: TensorRef | string | undefined): part is TensorRef {
  return typeof part === 'object'
}
