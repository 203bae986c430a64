// Owns rotary position embedding. Frequencies come scaled from the config (linear, llama3, YaRN); here they only turn.
import type { RopeConfig } from '@tandem/model'

/** cos and sin of one position, [dim / 2] each, times the attention factor. */
export interface RopeAngles {
  readonly cos: Float32Array
  readonly sin: Float32Array
}

/** angle_i = position * invFreq_i, rounded to float32 as the implementations we compare with do. */
export function ropeAngles (rope: RopeConfig, position: number): RopeAngles {
  const cos = new Float32Array(rope.dim / 2)
  const sin = new Float32Array(rope.dim / 2)
  for (let i = 0; i < cos.length; i++) {
    const angle = Math.fround(position * rope.invFreq[i]!)
    cos[i] = Math.cos(angle) * rope.attentionFactor
    sin[i] = Math.sin(angle) * rope.attentionFactor
  }
  return { cos, sin }
}

/**
 * Rotates x[start .. start + dim) in place: (a, b) -> (a cos - b sin, b cos + a sin) for each pair. Pairs are
 * (2i, 2i + 1) when interleaved, else (i, i + dim / 2).
 */
export function applyRope (x: Float32Array, start: number, rope: RopeConfig, { cos, sin }: RopeAngles): void {
  const half = rope.dim / 2
  const step = rope.interleaved ? 2 : 1
  const distance = rope.interleaved ? 1 : half
  for (let i = 0; i < half; i++) {
    const first = start + i * step
    const a = x[first]!
    const b = x[first + distance]!
    x[first] = a * cos[i]! - b * sin[i]!
    x[first + distance] = b * cos[i]! + a * sin[i]!
  }
}
