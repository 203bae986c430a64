// Owns listing the tensors of each side, for byte counts, progress and the native engine.
import type { Model } from '../model.js'
import type { GatedMlpWeights, TensorRef } from '../weights.js'

/** Every tensor an attention worker reads, each once (a tied LM head is the embedding). */
export function attentionTensorRefs (model: Pick<Model, 'attention'>): TensorRef[] {
  const { tokenEmbd, layers, outputNorm, lmHead } = model.attention
  const refs = [tokenEmbd, outputNorm]
  if (lmHead !== tokenEmbd) refs.push(lmHead)
  for (const { attnNorm, attention, ffnNorm, router, routerBias } of layers) {
    const { kind, ...parts } = attention
    refs.push(attnNorm, ...Object.values(parts as Record<string, TensorRef | undefined>).filter(isRef), ffnNorm, ...[router, routerBias].filter(isRef))
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

function isRef (ref: TensorRef | undefined): ref is TensorRef {
  return ref !== undefined
}
