// Owns the FFN side of a checkpoint: every tensor an FFN worker reads, with its expected shape; experts as one reference each.
import type { ModelConfig, MoeFfnConfig } from '../model-config.js'
import type { FfnLayerWeights, FfnWeights, GatedMlpWeights, TensorRef } from '../weights.js'
import type { ExpertNames, GatedMlpNames, LayerNames, TensorNames } from './tensor-names.js'
import { sliceStacked } from './tensor-resolver.js'
import type { TensorResolver } from './tensor-resolver.js'

/** @throws `tensor_missing`, `tensor_shape_mismatch`, `tensor_dtype_unsupported`, naming the tensor. */
export function resolveFfnWeights (config: ModelConfig, names: TensorNames, tensors: TensorResolver): FfnWeights {
  const { hiddenSize } = config
  return {
    layers: config.ffn.map((ffn, layerIdx): FfnLayerWeights => {
      const layer = names.layer(layerIdx)
      if (ffn.kind === 'dense') return { kind: 'dense', ...resolveMlp(layer.dense, ffn.intermediateSize, hiddenSize, tensors) }
      return { kind: 'moe', ...resolveMoe(ffn, layer, hiddenSize, tensors) }
    })
  }
}

interface MoeWeights { readonly experts: GatedMlpWeights[], readonly shared?: GatedMlpWeights }

function resolveMoe (ffn: MoeFfnConfig, names: LayerNames, hiddenSize: number, tensors: TensorResolver): MoeWeights {
  const experts = resolveExperts(ffn, names.experts, hiddenSize, tensors)
  if (ffn.sharedIntermediateSize === 0) return { experts }
  return { experts, shared: resolveMlp(names.shared, ffn.sharedIntermediateSize, hiddenSize, tensors) }
}

function resolveMlp (names: GatedMlpNames, intermediateSize: number, hiddenSize: number, tensors: TensorResolver): GatedMlpWeights {
  return {
    gate: tensors.require(names.gate, [intermediateSize, hiddenSize]),
    up: tensors.require(names.up, [intermediateSize, hiddenSize]),
    down: tensors.require(names.down, [hiddenSize, intermediateSize])
  }
}

function resolveExperts (ffn: MoeFfnConfig, names: ExpertNames, hiddenSize: number, tensors: TensorResolver): GatedMlpWeights[] {
  const { numExperts, intermediateSize } = ffn
  const expertIds = Array.from({ length: numExperts }, (_, expertId) => expertId)
  const { plain, fused } = names
  if (fused !== undefined && tensors.has(fused.gateUp)) {
    const gateUp = tensors.require(fused.gateUp, [numExperts, 2 * intermediateSize, hiddenSize])
    const down = tensors.require(fused.down, [numExperts, hiddenSize, intermediateSize])
    return expertIds.map(expertId => ({
      gate: rename(sliceStacked(gateUp, expertId, 0, intermediateSize), 'gate'),
      up: rename(sliceStacked(gateUp, expertId, intermediateSize, 2 * intermediateSize), 'up'),
      down: sliceStacked(down, expertId, 0, hiddenSize)
    }))
  }
  if (plain.kind === 'separate') return expertIds.map(expertId => resolveMlp(plain.of(expertId), intermediateSize, hiddenSize, tensors))
  const { gate, up, down } = resolveStacked(plain.names, ffn, hiddenSize, tensors)
  return expertIds.map(expertId => ({
    gate: sliceStacked(gate, expertId, 0, intermediateSize),
    up: sliceStacked(up, expertId, 0, intermediateSize),
    down: sliceStacked(down, expertId, 0, hiddenSize)
  }))
}

function resolveStacked (names: GatedMlpNames, ffn: MoeFfnConfig, hiddenSize: number, tensors: TensorResolver): GatedMlpWeights {
  const { numExperts, intermediateSize } = ffn
  return {
    gate: tensors.require(names.gate, [numExperts, intermediateSize, hiddenSize]),
    up: tensors.require(names.up, [numExperts, intermediateSize, hiddenSize]),
    down: tensors.require(names.down, [numExperts, hiddenSize, intermediateSize])
  }
}

function rename (ref: TensorRef, half: 'gate' | 'up'): TensorRef {
  return { ...ref, name: `${ref.name}.${half}` }
}
