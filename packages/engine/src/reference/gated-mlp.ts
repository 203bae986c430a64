// Owns the gated MLP every FFN is made of: dense layers, experts, shared experts, or a slice of one.
import { linear } from './linear.js'
import type { WeightMatrix } from './weight-matrix.js'

/** gate and up are [width, hiddenSize], down is [hiddenSize, width]; width may be a slice of the intermediate dimension. */
export interface GatedMlp {
  readonly gate: WeightMatrix
  readonly up: WeightMatrix
  readonly down: WeightMatrix
}

/**
 * y = W_down (silu(W_gate x) * W_up x), silu(a) = a / (1 + exp(-a)). `x` is [numTokens, hiddenSize], so is the result. A slice of
 * the intermediate dimension gives its share of the sum over that dimension.
 */
export function gatedMlp (x: Float32Array, numTokens: number, { gate, up, down }: GatedMlp): Float32Array {
  const activated = linear(x, numTokens, gate)
  const factors = linear(x, numTokens, up)
  for (let i = 0; i < activated.length; i++) {
    const a = activated[i]!
    activated[i] = a / (1 + Math.exp(-a)) * factors[i]!
  }
  return linear(activated, numTokens, down)
}
