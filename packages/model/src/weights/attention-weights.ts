// Owns the attention side of a checkpoint: every tensor an attention worker reads, with its expected shape.
import type { AttentionConfig, GqaConfig, MfaConfig, MlaConfig, ModelConfig } from '../model-config.js'
import type { AttentionLayerWeights, AttentionWeights, GqaWeights, MfaWeights, MlaWeights } from '../weights.js'
import type { LayerNames, TensorNames } from './tensor-names.js'
import type { TensorResolver } from './tensor-resolver.js'

/** @throws `tensor_missing`, `tensor_shape_mismatch`, `tensor_dtype_unsupported`, naming the tensor. */
export function resolveAttentionWeights (config: ModelConfig, names: TensorNames, tensors: TensorResolver): AttentionWeights {
  const { hiddenSize, vocabSize } = config
  const tokenEmbd = tensors.require(names.tokenEmbd, [vocabSize, hiddenSize])
  return {
    tokenEmbd,
    layers: config.ffn.map((_, layerIdx) => resolveLayer(config, layerIdx, names.layer(layerIdx), tensors)),
    outputNorm: tensors.require(names.outputNorm, [hiddenSize]),
    lmHead: config.tieWordEmbeddings ? tokenEmbd : tensors.require(names.lmHead, [vocabSize, hiddenSize])
  }
}

function resolveLayer (config: ModelConfig, layerIdx: number, names: LayerNames, tensors: TensorResolver): AttentionLayerWeights {
  const { hiddenSize } = config
  const layer = {
    attnNorm: tensors.require(names.attnNorm, [hiddenSize]),
    attention: resolveAttention(config.attention, hiddenSize, names, tensors),
    ffnNorm: tensors.require(names.ffnNorm, [hiddenSize])
  }
  const ffn = config.ffn[layerIdx]
  if (ffn?.kind !== 'moe') return layer
  const router = tensors.require(names.router, [ffn.numExperts, hiddenSize])
  if (!ffn.router.hasBias) return { ...layer, router }
  return { ...layer, router, routerBias: tensors.require(names.routerBias, [ffn.numExperts]) }
}

function resolveAttention (config: AttentionConfig, hiddenSize: number, names: LayerNames, tensors: TensorResolver): AttentionLayerWeights['attention'] {
  switch (config.kind) {
    case 'gqa': return resolveGqa(config, hiddenSize, names, tensors)
    case 'mfa': return resolveMfa(config, hiddenSize, names, tensors)
    case 'mla': return resolveMla(config, hiddenSize, names, tensors)
  }
}

function resolveGqa (config: GqaConfig, hiddenSize: number, names: LayerNames, tensors: TensorResolver): GqaWeights {
  const qSize = config.numHeads * config.headDim
  const kvSize = config.numKvHeads * config.headDim
  const biases = config.qkvBias
    ? { qBias: tensors.require(names.qBias, [qSize]), kBias: tensors.require(names.kBias, [kvSize]), vBias: tensors.require(names.vBias, [kvSize]) }
    : {}
  const norms = config.qkNorm
    ? { qNorm: tensors.require(names.qNorm, [config.headDim]), kNorm: tensors.require(names.kNorm, [config.headDim]) }
    : {}
  return {
    kind: 'gqa',
    q: tensors.require(names.q, [qSize, hiddenSize]),
    k: tensors.require(names.k, [kvSize, hiddenSize]),
    v: tensors.require(names.v, [kvSize, hiddenSize]),
    o: tensors.require(names.o, [hiddenSize, qSize]),
    ...biases,
    ...norms
  }
}

function resolveMfa (config: MfaConfig, hiddenSize: number, names: LayerNames, tensors: TensorResolver): MfaWeights {
  const { numHeads, headDim, shareQDim } = config
  return {
    kind: 'mfa',
    qA: tensors.require(names.qA, [shareQDim, hiddenSize]),
    qANorm: tensors.require(names.qANorm, [shareQDim]),
    qB: tensors.require(names.qB, [numHeads * headDim, shareQDim]),
    k: tensors.require(names.k, [headDim, hiddenSize]),
    v: tensors.require(names.v, [headDim, hiddenSize]),
    o: tensors.require(names.o, [hiddenSize, numHeads * headDim])
  }
}

function resolveMla (config: MlaConfig, hiddenSize: number, names: LayerNames, tensors: TensorResolver): MlaWeights {
  const { numHeads, qLoraRank, kvLoraRank, qkNopeHeadDim, qkRopeHeadDim, vHeadDim } = config
  const qSize = numHeads * (qkNopeHeadDim + qkRopeHeadDim)
  const query = qLoraRank === null
    ? { q: tensors.require(names.q, [qSize, hiddenSize]) }
    : {
        qA: tensors.require(names.qA, [qLoraRank, hiddenSize]),
        qANorm: tensors.require(names.qANorm, [qLoraRank]),
        qB: tensors.require(names.qB, [qSize, qLoraRank])
      }
  const { kB, vB } = names
  const isSplit = kB !== undefined && vB !== undefined && tensors.has(kB)
  const keyValue = isSplit
    ? { kB: tensors.require(kB, [numHeads, kvLoraRank, qkNopeHeadDim]), vB: tensors.require(vB, [numHeads, vHeadDim, kvLoraRank]) }
    : { kvB: tensors.require(names.kvB, [numHeads * (qkNopeHeadDim + vHeadDim), kvLoraRank]) }
  return {
    kind: 'mla',
    ...query,
    kvA: tensors.require(names.kvA, [kvLoraRank + qkRopeHeadDim, hiddenSize]),
    kvANorm: tensors.require(names.kvANorm, [kvLoraRank]),
    ...keyValue,
    o: tensors.require(names.o, [hiddenSize, numHeads * vHeadDim])
  }
}
