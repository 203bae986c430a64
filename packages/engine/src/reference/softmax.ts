// Owns softmax.

/** p_j = exp(s_j - max s) / sum_i exp(s_i - max s), in place, sums in ascending j. */
export function softmax (scores: Float64Array | Float32Array): void {
  let max = -Infinity
  for (let j = 0; j < scores.length; j++) if (scores[j]! > max) max = scores[j]!
  let sum = 0
  for (let j = 0; j < scores.length; j++) {
    scores[j] = Math.exp(scores[j]! - max)
    sum += scores[j]!
  }
  for (let j = 0; j < scores.length; j++) scores[j]! /= sum
}
