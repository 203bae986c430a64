// Owns what row-wise operations are made of, over the 16-lane vector of the simd_*.h included before it. Tails shorter than 16 go through a
// padded copy, so they run the same instructions.
#pragma once

#include "kernels/exp_impl.h"

namespace tandem {
namespace {

/** Loads `count` < 16 floats, zeros behind them. */
inline F load_tail(const float* p, size_t count) {
  alignas(64) float padded[16] = {};
  for (size_t i = 0; i < count; i++) padded[i] = p[i];
  return f_load(padded);
}
inline void store_tail(float* p, F a, size_t count) {
  alignas(64) float padded[16];
  f_store(padded, a);
  for (size_t i = 0; i < count; i++) p[i] = padded[i];
}
inline F load_up_to_16(const float* p, size_t count) { return count >= 16 ? f_load(p) : load_tail(p, count); }

/** y[i] = op(i, count) for 16 elements at a time. */
template <typename Op>
inline void store_each(float* y, size_t count, Op&& op) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) f_store(y + i, op(i, size_t{16}));
  if (i < count) store_tail(y + i, op(i, count - i), count - i);
}

/** 1 / sqrt(mean(x^2) + eps) */
inline float inverse_rms(const float* x, size_t num_columns, float eps) {
  F sum0 = f_zero(), sum1 = f_zero();
  size_t i = 0;
  for (; i + 32 <= num_columns; i += 32) {
    const F a = f_load(x + i), b = f_load(x + i + 16);
    sum0 = f_fma(a, a, sum0);
    sum1 = f_fma(b, b, sum1);
  }
  for (; i < num_columns; i += 16) {
    const F a = load_up_to_16(x + i, num_columns - i);
    sum0 = f_fma(a, a, sum0);
  }
  const float mean = f_reduce_add(f_add(sum0, sum1)) / static_cast<float>(num_columns);
  return 1.0f / __builtin_sqrtf(mean + eps);
}

inline F silu_times(F gate, F up) {
  const F one = f_set1(1.0f);
  return f_mul(f_div(gate, f_add(one, f_exp(f_sub(f_zero(), gate)))), up);
}

}  // namespace
}  // namespace tandem
