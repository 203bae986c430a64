// Owns the row-wise operations that end in blocks, over the 16-lane vector of the simd_*.h included before it. A Quantizer fills the blocks,
// in 8 bits (eight_bit_impl.h) or bf16: add(low, high, out) with 16 floats each.
#pragma once

#include "kernels/activations.h"
#include "kernels/row_values_impl.h"

namespace tandem {
namespace {

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

}  // namespace
}  // namespace tandem
