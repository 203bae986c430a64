// Owns reading RoPE settings from config.json: transformers 4 (`rope_theta`, `rope_scaling`) and 5 (`rope_parameters`).
import { modelError } from '../errors.js'
import type { KeyReader } from './key-reader.js'
import { yarnAttentionFactor, yarnMscale } from './rope.js'
import type { RopeScaling } from './rope.js'

export interface HfRope {
  readonly theta: number
  readonly scaling: RopeScaling
  /** DeepSeek multiplies the softmax scale by this (m squared); 1 without YaRN. */
  readonly softmaxCorrection: number
}

const supportedTypes = 'default, linear, llama3, yarn'
/** transformers 5 nests settings under these where layers differ. */
const layerTypes = ['full_attention', 'sliding_attention', 'chunked_attention', 'linear_attention'] as const

/**
 * `maxModelLen` stands in for a missing original_max_position_embeddings, as in transformers.
 * @throws `rope_type_unsupported` (dynamic, longrope, per-layer settings ...), `config_key_invalid`.
 */
export function readHfRope (config: KeyReader, maxModelLen: number, defaultTheta: number): HfRope {
  const settings = config.record('rope_parameters') ?? config.record('rope_scaling')
  const theta = readTheta(config, settings, defaultTheta)
  refusePartialRotation(config)
  if (settings === undefined) return { theta, scaling: { type: 'default' }, softmaxCorrection: 1 }
  refusePartialRotation(settings)
  for (const key of layerTypes) if (settings.has(key)) throw settings.unsupported(key, 'all layers rotate alike')
  const typeKey = settings.has('rope_type') ? 'rope_type' : 'type'
  const type = settings.string(typeKey, 'default')
  switch (type) {
    case 'default': return { theta, scaling: { type }, softmaxCorrection: 1 }
    case 'linear': return { theta, scaling: { type, factor: readFactor(settings) }, softmaxCorrection: 1 }
    case 'llama3': return { theta, scaling: readLlama3(config, settings, maxModelLen), softmaxCorrection: 1 }
    case 'yarn': return { theta, ...readYarn(config, settings, maxModelLen) }
    default:
      throw modelError('rope_type_unsupported', { path: settings.path, key: settings.prefix + typeKey, actual: type, expected: supportedTypes })
  }
}

function readTheta (config: KeyReader, settings: KeyReader | undefined, fallback: number): number {
  const rule = { min: 2, fallback: undefined }
  return settings?.number('rope_theta', rule) ?? config.number('rope_theta', rule) ?? fallback
}

function refusePartialRotation (settings: KeyReader): void {
  if (settings.number('partial_rotary_factor', { fallback: 1 }) !== 1) throw settings.unsupported('partial_rotary_factor', 'only whole heads are rotated')
}

function readFactor (settings: KeyReader): number {
  return settings.number('factor', { min: 1e-6 })
}

function readOriginalMaxLen (config: KeyReader, settings: KeyReader, maxModelLen: number): number {
  const key = 'original_max_position_embeddings'
  return config.integer(key, { fallback: undefined }) ?? settings.integer(key, { fallback: maxModelLen })
}

function readLlama3 (config: KeyReader, settings: KeyReader, maxModelLen: number): RopeScaling {
  const lowFreqFactor = settings.number('low_freq_factor', { min: 1e-6 })
  const highFreqFactor = settings.number('high_freq_factor', { min: 1e-6 })
  if (highFreqFactor <= lowFreqFactor) throw settings.invalid('high_freq_factor', `above low_freq_factor (${lowFreqFactor})`)
  return {
    type: 'llama3',
    factor: readFactor(settings),
    lowFreqFactor,
    highFreqFactor,
    originalMaxLen: readOriginalMaxLen(config, settings, maxModelLen)
  }
}

function readYarn (config: KeyReader, settings: KeyReader, maxModelLen: number): { scaling: RopeScaling, softmaxCorrection: number } {
  const originalMaxLen = readOriginalMaxLen(config, settings, maxModelLen)
  const factor = settings.has('factor') ? readFactor(settings) : maxModelLen / originalMaxLen
  const mscale = settings.number('mscale', { fallback: undefined })
  const mscaleAllDim = settings.number('mscale_all_dim', { fallback: undefined })
  const scaling: RopeScaling = {
    type: 'yarn',
    factor,
    originalMaxLen,
    betaFast: settings.number('beta_fast', { min: 1e-6, fallback: 32 }),
    betaSlow: settings.number('beta_slow', { min: 1e-6, fallback: 1 }),
    attentionFactor: settings.number('attention_factor', { min: 0, fallback: yarnAttentionFactor(factor, mscale, mscaleAllDim) }),
    truncate: settings.boolean('truncate', true)
  }
  return { scaling, softmaxCorrection: mscaleAllDim ? yarnMscale(factor, mscaleAllDim) ** 2 : 1 }
}
