// Owns 8-bit quantisation of activations, written once over the 16-lane vector of the simd_*.h included before it.
#pragma once

#include "kernels/activations.h"

namespace tandem {
namespace {

/**
 * Blocks on their way into 8 bits, sixteen at a time: each step is taken for all of them before the next, because a block on its own would
 * spend most of its time waiting for its range, the division and the sums.
 */
class EightBitQuantizer {
 public:
  ~EightBitQuantizer() { flush(); }

  void add(F low, F high, QuantBlock* out) {
    f_store(values_[count_], low);
    f_store(values_[count_] + 16, high);
    out_[count_] = out;
    if (++count_ == kBatch) flush();
  }

 private:
  static constexpr size_t kBatch = 16;

  void flush() {
    // Lengths of the ranges above and below zero.
    alignas(64) float above[kBatch] = {}, below[kBatch] = {};
    for (size_t i = 0; i < count_; i++) {
      const F low = f_load(values_[i]), high = f_load(values_[i] + 16);
      above[i] = f_reduce_max(f_max(f_max(low, high), f_zero()));
      below[i] = f_reduce_max(f_sub(f_zero(), f_min(f_min(low, high), f_zero())));
    }
    const F k_step = f_set1(1.0f / 254);
    const F step = f_add(f_mul(f_load(above), k_step), f_mul(f_load(below), k_step));
    // Below this 1 / step could overflow; such a block is zero for every purpose.
    const F smallest = f_set1(1e-32f);
    const F inverse = f_zero_below(f_div(f_set1(1.0f), step), step, smallest);
    alignas(64) float scales[kBatch], inverses[kBatch], zeros[kBatch];
    f_store(scales, f_zero_below(step, step, smallest));
    f_store(inverses, inverse);
    // Rounded as the codes are, so the lowest becomes -127 exactly; the highest may come out one too high.
    f_store(zeros, f_sub(f_round(f_mul(f_load(below), inverse)), f_set1(127.0f)));
    for (size_t i = 0; i < count_; i++) store(values_[i], scales[i], inverses[i], zeros[i], *out_[i]);
    count_ = 0;
  }

  static void store(const float* values, float scale, float inverse, float zero, QuantBlock& out) {
    const auto codes = [&](F x) { return f_min(f_add(f_round(f_mul(x, f_set1(inverse))), f_set1(zero)), f_set1(127.0f)); };
    const int32_t sum_low = f_store_i8(out.q, codes(f_load(values))), sum_high = f_store_i8(out.q + 16, codes(f_load(values + 16)));
    const int32_t sum = sum_low + sum_high;
    out.scale = scale;
    out.scaled_sum = scale * (static_cast<float>(sum) - 32.0f * zero);
    out.start_q4_0 = -8 * sum;
    out.start_q5_0 = -16 * sum;
    out.start_q8_0 = -128 * sum;
    out.start_q6_k_low = -32 * sum_low;
    out.start_q6_k_high = -32 * sum_high;
    out.scaled_zero = -(scale * zero);
  }

  alignas(64) float values_[kBatch][32];
  QuantBlock* out_[kBatch];
  size_t count_ = 0;
};

}  // namespace
}  // namespace tandem
