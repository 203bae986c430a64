// Owns the row-wise operations of every path, written once over the 16-lane vector of the simd_*.h included before it. A Quantizer fills
// blocks from rows, 8 bits (eight_bit_impl.h) or bf16: add(low, high, out) with 16 floats each.
// Tails shorter than 16 go through a padded copy, so they run the same instructions.
#pragma once

#include "kernels/activations.h"
#include "kernels/exp_impl.h"
#include "kernels/rope.h"

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

/** Quantises one row whose element groups come from load(i, count). */
template <typename Quantizer, typename Load>
inline void quantize_each(size_t num_columns, QuantBlock* out, Quantizer& quantizer, Load&& load) {
  for (size_t i = 0; i < num_columns; i += 32, out++) {
    const F low = load(i, num_columns - i);
    quantizer.add(low, i + 16 < num_columns ? load(i + 16, num_columns - i - 16) : f_zero(), out);
  }
}

template <typename Quantizer>
void quantize_rows_impl(const float* x, size_t ldx, size_t num_rows, size_t num_columns, QuantBlock* out, size_t ld_out) {
  Quantizer quantizer;
  for (size_t r = 0; r < num_rows; r++) {
    const float* row = x + r * ldx;
    quantize_each(num_columns, out + r * ld_out, quantizer, [row](size_t i, size_t count) { return load_up_to_16(row + i, count); });
  }
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

void rms_norm_impl(const float* x, size_t ldx, const float* weight, float eps, size_t num_rows, size_t num_columns, float* y,
                   size_t ldy) {
  for (size_t r = 0; r < num_rows; r++) {
    const float* row = x + r * ldx;
    const F factor = f_set1(inverse_rms(row, num_columns, eps));
    store_each(y + r * ldy, num_columns, [=](size_t i, size_t count) {
      return f_mul(f_mul(load_up_to_16(row + i, count), factor), load_up_to_16(weight + i, count));
    });
  }
}

template <typename Quantizer>
void rms_norm_quantize_impl(const float* x, size_t ldx, const float* weight, float eps, size_t num_rows, size_t num_columns,
                            QuantBlock* out, size_t ld_out, float* y, size_t ldy) {
  Quantizer quantizer;
  for (size_t r = 0; r < num_rows; r++) {
    const float* row = x + r * ldx;
    float* row_out = y == nullptr ? nullptr : y + r * ldy;
    const F factor = f_set1(inverse_rms(row, num_columns, eps));
    quantize_each(num_columns, out + r * ld_out, quantizer, [=](size_t i, size_t count) {
      const F value = f_mul(f_mul(load_up_to_16(row + i, count), factor), load_up_to_16(weight + i, count));
      if (row_out != nullptr) {
        if (count >= 16) f_store(row_out + i, value);
        else store_tail(row_out + i, value, count);
      }
      return value;
    });
  }
}

inline F silu_times(F gate, F up) {
  const F one = f_set1(1.0f);
  return f_mul(f_div(gate, f_add(one, f_exp(f_sub(f_zero(), gate)))), up);
}

void swiglu_impl(const float* gate, size_t ld_gate, const float* up, size_t ld_up, size_t num_rows, size_t num_columns, float* y,
                 size_t ldy) {
  for (size_t r = 0; r < num_rows; r++) {
    store_each(y + r * ldy, num_columns, [=](size_t i, size_t count) {
      return silu_times(load_up_to_16(gate + r * ld_gate + i, count), load_up_to_16(up + r * ld_up + i, count));
    });
  }
}

template <typename Quantizer>
void swiglu_quantize_impl(const float* gate, size_t ld_gate, const float* up, size_t ld_up, size_t num_rows, size_t num_columns,
                          QuantBlock* out, size_t ld_out) {
  Quantizer quantizer;
  for (size_t r = 0; r < num_rows; r++) {
    quantize_each(num_columns, out + r * ld_out, quantizer, [=](size_t i, size_t count) {
      return silu_times(load_up_to_16(gate + r * ld_gate + i, count), load_up_to_16(up + r * ld_up + i, count));
    });
  }
}

void copy_rows_impl(const float* x, size_t ldx, size_t num_rows, size_t num_columns, float* y, size_t ldy) {
  for (size_t r = 0; r < num_rows; r++, x += ldx, y += ldy) {
    size_t i = 0;
    for (; i + 16 <= num_columns; i += 16) f_store(y + i, f_load(x + i));
    for (; i < num_columns; i++) y[i] = x[i];
  }
}

void add_rows_impl(const float* x, size_t ldx, size_t num_rows, size_t num_columns, float* y, size_t ldy) {
  for (size_t r = 0; r < num_rows; r++, x += ldx, y += ldy) {
    size_t i = 0;
    for (; i + 16 <= num_columns; i += 16) f_store(y + i, f_add(f_load(y + i), f_load(x + i)));
    for (; i < num_columns; i++) y[i] += x[i];
  }
}

void add_scaled_impl(const float* x, float factor, size_t count, float* y) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) f_store(y + i, f_add(f_load(y + i), f_mul(f_set1(factor), f_load(x + i))));
  for (; i < count; i++) y[i] += factor * x[i];
}

void to_bf16_impl(const float* x, uint16_t* y, size_t count) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) f_store_bf16(y + i, f_load(x + i));
  if (i == count) return;
  uint16_t tail[16];
  f_store_bf16(tail, load_tail(x + i, count - i));
  for (size_t j = 0; i + j < count; j++) y[i + j] = tail[j];
}

void from_bf16_impl(const uint16_t* x, float* y, size_t count) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) f_store(y + i, f_load_bf16(x + i));
  if (i == count) return;
  uint16_t tail[16] = {};
  for (size_t j = 0; i + j < count; j++) tail[j] = x[i + j];
  store_tail(y + i, f_load_bf16(tail), count - i);
}

void rope_rotate_impl(const RopeParams& params, const float* cos, const float* sin, float* x, size_t num_heads, size_t head_stride) {
  const size_t half = params.dim / 2;
  for (size_t h = 0; h < num_heads; h++) {
    float* head = x + h * head_stride;
    if (params.interleaved) {
      for (size_t i = 0; i < half; i++) {
        const float a = head[2 * i], b = head[2 * i + 1];
        head[2 * i] = a * cos[i] - b * sin[i];
        head[2 * i + 1] = a * sin[i] + b * cos[i];
      }
      continue;
    }
    for (size_t i = 0; i < half; i++) {
      const float a = head[i], b = head[i + half];
      head[i] = a * cos[i] - b * sin[i];
      head[i + half] = a * sin[i] + b * cos[i];
    }
  }
}

/** NaN never wins: a maximum instruction returns its second operand then. */
float max_value_impl(const float* x, size_t count) {
  F best = f_set1(-__builtin_inff());
  size_t i = 0;
  for (; i + 16 <= count; i += 16) best = f_max(f_load(x + i), best);
  float result = f_reduce_max(best);
  for (; i < count; i++) result = x[i] > result ? x[i] : result;
  return result;
}

}  // namespace
}  // namespace tandem
