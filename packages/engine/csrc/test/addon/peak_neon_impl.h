// Owns the loop of the NEON peaks: one instruction in independent chains. Included by the files that choose the instruction.
#pragma once

#include <arm_neon.h>

#include "test/addon/roofline.h"

namespace tandem {
namespace {

constexpr int kChains = 16;

/** step(sum, w, x) on chains of 8-bit operands. */
template <typename Step>
inline float int8_loop(size_t repeats, Step&& step) {
  int32x4_t sum[kChains];
  const int8x16_t w = vdupq_n_s8(3);
  int8x16_t x = vdupq_n_s8(5);
  for (int c = 0; c < kChains; c++) sum[c] = vdupq_n_s32(0);
  for (size_t i = 0; i < repeats; i++) {
    asm volatile("" : "+w"(x));
#pragma GCC unroll 16
    for (int c = 0; c < kChains; c++) sum[c] = step(sum[c], w, x);
  }
  float total = 0;
  for (int c = 0; c < kChains; c++) total += static_cast<float>(vgetq_lane_s32(sum[c], 0));
  return total;
}

inline float f32_peak(size_t repeats) {
  float32x4_t sum[kChains];
  float32x4_t x = vdupq_n_f32(1e-9f);
  const float32x4_t w = vdupq_n_f32(0.5f);
  for (int c = 0; c < kChains; c++) sum[c] = vdupq_n_f32(0);
  for (size_t i = 0; i < repeats; i++) {
    asm volatile("" : "+w"(x));
#pragma GCC unroll 16
    for (int c = 0; c < kChains; c++) sum[c] = vfmaq_f32(sum[c], x, w);
  }
  float total = 0;
  for (int c = 0; c < kChains; c++) total += vgetq_lane_f32(sum[c], 0);
  return total;
}

constexpr PeakLoop kF32Peak = {kChains * 8.0, f32_peak};

}  // namespace
}  // namespace tandem
