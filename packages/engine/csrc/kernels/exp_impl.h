// Owns the vector exponential of every path. Included after a simd_*.h.
#pragma once

namespace tandem {
namespace {

/**
 * e^x, relative error below 2e-7; 0 below -87.3 (so -inf gives 0), finite above 88. Cephes' reduction: x = n ln 2 + r,
 * |r| <= ln 2 / 2, with ln 2 in two parts so that r is exact, and a degree-6 polynomial in r.
 */
inline F f_exp(F x) {
  const F lowest = f_set1(-87.3f);
  const F clamped = f_min(f_max(x, lowest), f_set1(88.0f));
  const F n = f_round(f_mul(clamped, f_set1(1.44269504f)));
  F r = f_fma(n, f_set1(-0.693359375f), clamped);
  r = f_fma(n, f_set1(2.12194440e-4f), r);
  F p = f_set1(1.9875691500e-4f);
  p = f_fma(p, r, f_set1(1.3981999507e-3f));
  p = f_fma(p, r, f_set1(8.3334519073e-3f));
  p = f_fma(p, r, f_set1(4.1665795894e-2f));
  p = f_fma(p, r, f_set1(1.6666665459e-1f));
  p = f_fma(p, r, f_set1(5.0000001201e-1f));
  p = f_fma(p, f_mul(r, r), f_add(r, f_set1(1.0f)));
  return f_zero_below(f_mul(p, f_pow2(n)), x, lowest);
}

}  // namespace
}  // namespace tandem
