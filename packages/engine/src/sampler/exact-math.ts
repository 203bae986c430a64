// Owns exp and ln as fixed sequences of IEEE-754 double additions, multiplications and divisions, each rounded
// once (no fused multiply-add). Library versions differ in the last bit between languages and machines; a
// sampler that must choose the same token in TypeScript and C++ cannot use them.

const LN2_HIGH = 0.6931471803691238 // ln 2 to 33 bits: k * LN2_HIGH is exact for |k| < 2^20
const LN2_LOW = 1.9082149292705877e-10 // ln 2 - LN2_HIGH
const INVERSE_LN2 = 1.4426950408889634

/** exp(x) below this is treated as 0: it keeps subnormal numbers out. */
const SMALLEST_EXPONENT = -700

/** powersOfTwo[k] = 2^-k. */
const powersOfTwo = Float64Array.from({ length: 1024 }, (_, k) => 2 ** -k)

/** 1 / n! for n = 0..13, each the double nearest to the quotient. */
const inverseFactorials = Float64Array.from({ length: 14 }, (_, n) => {
  let factorial = 1
  for (let i = 2; i <= n; i++) factorial *= i
  return 1 / factorial
})

/**
 * exp(x) for x <= 0. k = floor(x * INVERSE_LN2 + 0.5); r = (x - k * LN2_HIGH) - k * LN2_LOW, |r| <= 0.347; Taylor
 * polynomial of degree 13 by Horner from the highest term; times 2^k. Exactly 0 under -700, exactly 1 at 0.
 */
export function expNonPositive (x: number): number {
  if (!(x >= SMALLEST_EXPONENT)) return 0
  const k = Math.floor(x * INVERSE_LN2 + 0.5)
  const r = (x - k * LN2_HIGH) - k * LN2_LOW
  let sum = inverseFactorials[13]!
  for (let n = 12; n >= 0; n--) sum = sum * r + inverseFactorials[n]!
  return sum * powersOfTwo[-k]!
}

/** 1 / (2n + 1) for n = 0..10. */
const inverseOdds = Float64Array.from({ length: 11 }, (_, n) => 1 / (2 * n + 1))

/**
 * ln(x) for x >= 1 (the sum of a softmax relative to its maximum). x = m * 2^k with m in [0.75, 1.5) by exact halving;
 * f = (m - 1) / (m + 1); ln m = 2 f (1 + f^2/3 + f^4/5 + ... + f^20/21) by Horner; + k * LN2_LOW, + k * LN2_HIGH.
 */
export function lnAtLeastOne (x: number): number {
  let m = x
  let k = 0
  while (m >= 1.5) { m *= 0.5; k++ }
  const f = (m - 1) / (m + 1)
  const square = f * f
  let sum = inverseOdds[10]!
  for (let n = 9; n >= 0; n--) sum = sum * square + inverseOdds[n]!
  return k * LN2_HIGH + (k * LN2_LOW + 2 * f * sum)
}
