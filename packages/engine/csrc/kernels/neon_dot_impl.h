// Owns the product of codes for one row and four columns, with SDOT where the file is compiled for it, and the panel product of a
// single row, which unpacks codes on the way. Internal to the NEON quant panels.
#pragma once

#include "kernels/neon_block_impl.h"

namespace tandem {
namespace {

#if defined(__ARM_FEATURE_DOTPROD)

/** Four columns times the block of one row, a group of four inputs after the other. */
template <TensorDtype D>
class Dot {
 public:
  /** Adds codes times the inputs of group kLane of x. */
  template <int kLane>
  void add(int8x16_t codes, int8x16_t x) { sum_ = vdotq_laneq_s32(sum_, codes, x, kLane); }
  int32x4_t total() const { return sum_; }

 private:
  int32x4_t sum_ = vdupq_n_s32(0);
};

#else

/**
 * Four columns times the block of one row, a group of four inputs after the other. 16-bit lanes take one product of each group, so the
 * eight groups of a block fit for codes of up to five bits (8 * 31 * 127 = 31,496) and for Q6_K's, from -32 to 31 (8 * 32 * 127 = 32,512).
 */
template <TensorDtype D>
class Dot {
 public:
  /** Adds codes times the inputs of group kLane of x. */
  template <int kLane>
  void add(int8x16_t codes, int8x16_t x) {
    const int8x16_t four = vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(x), kLane));
    low_ = vmlal_s8(low_, vget_low_s8(codes), vget_low_s8(four));
    high_ = vmlal_high_s8(high_, codes, four);
  }
  int32x4_t total() const { return vpaddq_s32(vpaddlq_s16(low_), vpaddlq_s16(high_)); }

 private:
  int16x8_t low_ = vdupq_n_s16(0), high_ = vdupq_n_s16(0);
};

/** Codes of 8 bits: two groups fit 16 bits (2 * 128 * 127 = 32,512). Groups come in order, an even one first. */
template <>
class Dot<TensorDtype::q8_0> {
 public:
  template <int kLane>
  void add(int8x16_t codes, int8x16_t x) {
    const int8x16_t four = vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(x), kLane));
    if constexpr (kLane % 2 == 0) {
      narrow_low_ = vmull_s8(vget_low_s8(codes), vget_low_s8(four));
      narrow_high_ = vmull_high_s8(codes, four);
    } else {
      low_ = vpadalq_s16(low_, vmlal_s8(narrow_low_, vget_low_s8(codes), vget_low_s8(four)));
      high_ = vpadalq_s16(high_, vmlal_high_s8(narrow_high_, codes, four));
    }
  }
  int32x4_t total() const { return vpaddq_s32(low_, high_); }

 private:
  int16x8_t narrow_low_ = vdupq_n_s16(0), narrow_high_ = vdupq_n_s16(0);
  int32x4_t low_ = vdupq_n_s32(0), high_ = vdupq_n_s32(0);
};

#endif

/** Both halves of a quarter's block times a row, and the sum of its codes. */
template <TensorDtype D>
struct QuarterSums {
  Dot<D> low, high;
  WeightSum weights;

  template <int kVector>
  void add(const QuantPanel& panel, size_t b, size_t quarter, int8x16_t x_low, int8x16_t x_high) {
    const int8x16x2_t codes = load_codes<D, kVector>(panel, b, quarter);
    weights.add(codes);
    low.template add<kVector>(codes.val[0], x_low);
    high.template add<kVector>(codes.val[1], x_high);
  }
};

/** out[16] of one row. */
template <TensorDtype D>
void one_row_product(const QuantPanel& panel, size_t block_begin, size_t block_end, const QuantBlock* x, float* out) {
  float32x4_t sum[kQuarters];
#pragma GCC unroll 4
  for (size_t quarter = 0; quarter < kQuarters; quarter++) sum[quarter] = vdupq_n_f32(0);
  for (size_t b = block_begin; b < block_end; b++) {
    prefetch_next<D>(panel, b);
    const QuantBlock& a = x[b];
    const int8x16_t x_low = vld1q_s8(a.q), x_high = vld1q_s8(a.q + 16);
#pragma GCC unroll 4
    for (size_t quarter = 0; quarter < kQuarters; quarter++) {
      QuarterSums<D> sums;
      sums.template add<0>(panel, b, quarter, x_low, x_high);
      sums.template add<1>(panel, b, quarter, x_low, x_high);
      sums.template add<2>(panel, b, quarter, x_low, x_high);
      sums.template add<3>(panel, b, quarter, x_low, x_high);
      const Scales scales = load_scales<D>(panel, b, quarter);
      if constexpr (D == TensorDtype::q6_k) {
        sum[quarter] = add_scaled(sum[quarter], sums.low.total(), scales.first, a);
        sum[quarter] = add_scaled(sum[quarter], sums.high.total(), scales.second, a);
      } else {
        sum[quarter] = add_scaled(sum[quarter], vaddq_s32(sums.low.total(), sums.high.total()), scales.first, a);
      }
      sum[quarter] = add_constants<D>(sum[quarter], scales.second, sums.weights.template scaled<D>(scales), a);
    }
  }
#pragma GCC unroll 4
  for (size_t quarter = 0; quarter < kQuarters; quarter++) vst1q_f32(out + 4 * quarter, sum[quarter]);
}

}  // namespace
}  // namespace tandem
