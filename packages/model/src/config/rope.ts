// Owns the arithmetic of rotary position embedding: inverse frequencies under every scaling rule. Reading the rule from a
// config is hf-rope.ts and gguf-rope.ts; rotating is the backend's.
import type { RopeConfig } from '../model-config.js'

export type RopeScaling =
  | { readonly type: 'default' }
  | { readonly type: 'linear', readonly factor: number }
  | Llama3Scaling
  | YarnScaling

export interface Llama3Scaling {
  readonly type: 'llama3'
  readonly factor: number
  readonly lowFreqFactor: number
  readonly highFreqFactor: number
  /** Context length of pre-training, in tokens. */
  readonly originalMaxLen: number
}

export interface YarnScaling {
  readonly type: 'yarn'
  readonly factor: number
  readonly originalMaxLen: number
  /** Rotations over the original context at which the ramp starts and ends. */
  readonly betaFast: number
  readonly betaSlow: number
  /** Multiplies cos and sin; see `yarnAttentionFactor`. */
  readonly attentionFactor: number
  /** Round the ramp's ends to whole dimensions. */
  readonly truncate: boolean
}

/** No head is wider; bounds the table a corrupt config asks for. */
export const maxHeadDim = 16_384

export interface RopeOptions {
  /** Rotated dimensions per head; even. */
  readonly dim: number
  readonly theta: number
  readonly interleaved: boolean
  readonly scaling: RopeScaling
  /** [dim / 2]; divides the frequencies (GGUF rope_freqs). */
  readonly freqFactors?: Float32Array
}

/** Builds the tables a backend rotates with. Computed in float64 and rounded once. */
export function buildRope (options: RopeOptions): RopeConfig {
  const { dim, theta, interleaved, scaling, freqFactors } = options
  const invFreq = new Float32Array(dim / 2)
  const scale = frequencyRule(scaling, dim, theta)
  for (let i = 0; i < invFreq.length; i++) {
    invFreq[i] = scale(theta ** (-2 * i / dim), i) / (freqFactors?.[i] ?? 1)
  }
  return { dim, interleaved, invFreq, attentionFactor: scaling.type === 'yarn' ? scaling.attentionFactor : 1 }
}

type FrequencyRule = (invFreq: number, index: number) => number

function frequencyRule (scaling: RopeScaling, dim: number, theta: number): FrequencyRule {
  switch (scaling.type) {
    case 'default': return invFreq => invFreq
    case 'linear': return invFreq => invFreq / scaling.factor
    case 'llama3': return llama3Rule(scaling)
    case 'yarn': return yarnRule(scaling, dim, theta)
  }
}

/** Llama 3.1: long wavelengths are divided by the factor, short ones kept, those between blended. */
function llama3Rule (scaling: Llama3Scaling): FrequencyRule {
  const { factor, lowFreqFactor, highFreqFactor, originalMaxLen } = scaling
  return invFreq => {
    const rotations = originalMaxLen * invFreq / (2 * Math.PI)
    if (rotations < lowFreqFactor) return invFreq / factor
    if (rotations > highFreqFactor) return invFreq
    const smooth = (rotations - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
    return (1 - smooth) * invFreq / factor + smooth * invFreq
  }
}

/** YaRN (arXiv 2309.00071): dimensions that rotate often are kept, those that rotate little are divided by the factor. */
function yarnRule (scaling: YarnScaling, dim: number, theta: number): FrequencyRule {
  const { factor, originalMaxLen, betaFast, betaSlow, truncate } = scaling
  const dimensionAt = (rotations: number): number =>
    dim * Math.log(originalMaxLen / (rotations * 2 * Math.PI)) / (2 * Math.log(theta))
  const start = dimensionAt(betaFast)
  const end = dimensionAt(betaSlow)
  const low = Math.max(truncate ? Math.floor(start) : start, 0)
  const high = Math.min(truncate ? Math.ceil(end) : end, dim - 1)
  const width = high === low ? 0.001 : high - low
  return (invFreq, index) => {
    const ramp = Math.min(Math.max((index - low) / width, 0), 1)
    return invFreq / factor * ramp + invFreq * (1 - ramp)
  }
}

/** m(factor) = 0.1 * mscale * ln(factor) + 1, and 1 when nothing is stretched. */
export function yarnMscale (factor: number, mscale: number): number {
  return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1
}

/** What cos and sin are multiplied by when the config does not say: DeepSeek's ratio of two mscales, else YaRN's own. */
export function yarnAttentionFactor (factor: number, mscale: number | undefined, mscaleAllDim: number | undefined): number {
  if (mscale && mscaleAllDim) return yarnMscale(factor, mscale) / yarnMscale(factor, mscaleAllDim)
  return yarnMscale(factor, 1)
}
