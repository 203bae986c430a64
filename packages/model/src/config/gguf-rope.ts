// Owns reading RoPE settings from GGUF metadata (`{arch}.rope.*`).
import { modelError } from '../errors.js'
import type { HfRope } from './hf-rope.js'
import type { KeyReader } from './key-reader.js'
import { yarnMscale } from './rope.js'

/**
 * `isMla`: DeepSeek files keep 0.1 * mscale_all_dim in yarn_log_multiplier; cos and sin are then not multiplied, because the
 * published models have mscale = mscale_all_dim.
 * @throws `rope_type_unsupported`, `config_key_invalid`, `config_key_unsupported`.
 */
export function readGgufRope (keys: KeyReader, maxModelLen: number, isMla: boolean): HfRope {
  const theta = keys.number('rope.freq_base', { min: 2, fallback: 10_000 })
  const legacyFactor = keys.number('rope.scale_linear', { min: 1e-6, fallback: 1 })
  const type = keys.string('rope.scaling.type', legacyFactor === 1 ? 'none' : 'linear')
  const factor = keys.number('rope.scaling.factor', { min: 1e-6, fallback: legacyFactor })
  switch (type) {
    case 'none': return { theta, scaling: { type: 'default' }, softmaxCorrection: 1 }
    case 'linear': return { theta, scaling: { type, factor }, softmaxCorrection: 1 }
    case 'yarn': break
    default:
      throw modelError('rope_type_unsupported', { path: keys.path, key: `${keys.prefix}rope.scaling.type`, actual: type, expected: 'none, linear, yarn' })
  }
  for (const key of ['rope.scaling.attn_factor', 'rope.scaling.yarn_attn_factor', 'rope.scaling.yarn_ext_factor']) {
    if (keys.number(key, { fallback: 1 }) !== 1) throw keys.unsupported(key, 'only 1 is')
  }
  const mscaleAllDim = keys.number('rope.scaling.yarn_log_multiplier', { min: 0, fallback: 0 }) / 0.1
  return {
    theta,
    scaling: {
      type: 'yarn',
      factor,
      originalMaxLen: keys.integer('rope.scaling.original_context_length', { fallback: maxModelLen }),
      betaFast: keys.number('rope.scaling.yarn_beta_fast', { min: 1e-6, fallback: 32 }),
      betaSlow: keys.number('rope.scaling.yarn_beta_slow', { min: 1e-6, fallback: 1 }),
      attentionFactor: isMla && mscaleAllDim > 0 ? 1 : yarnMscale(factor, 1),
      truncate: true
    },
    softmaxCorrection: isMla && mscaleAllDim > 0 ? yarnMscale(factor, mscaleAllDim) ** 2 : 1
  }
}
