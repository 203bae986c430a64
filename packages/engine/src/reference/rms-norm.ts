// Owns RMSNorm (facts/models.md, A.3 and B.1: plain weight, not 1 + weight).

/**
 * y_i = x_i / sqrt(mean_j(x_j^2) + eps) * w_i over each consecutive group of `weight.length` elements: one group per
 * token, or per head for the q and k norms. In place when `out` is `x`.
 */
export function rmsNorm (x: Float32Array, weight: Float32Array, eps: number, out: Float32Array = new Float32Array(x.length)): Float32Array {
  const width = weight.length
  for (let start = 0; start < x.length; start += width) {
    let sumOfSquares = 0
    for (let i = 0; i < width; i++) sumOfSquares += x[start + i]! * x[start + i]!
    const scale = 1 / Math.sqrt(sumOfSquares / width + eps)
    for (let i = 0; i < width; i++) out[start + i] = x[start + i]! * scale * weight[i]!
  }
  return out
}
