// Owns the row-wise operations of every path whose results are floats, written once over the 16-lane vector of the simd_*.h included before
// it.
#pragma once

#include "kernels/activations.h"
#include "kernels/rope.h"
#include "kernels/row_values_impl.h"

namespace tandem {
namespace {

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

void swiglu_impl(const float* gate, size_t ld_gate, const float* up, size_t ld_up, size_t num_rows, size_t num_columns, float* y,
                 size_t ldy) {
  for (size_t r = 0; r < num_rows; r++) {
    store_each(y + r * ldy, num_columns, [=](size_t i, size_t count) {
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
