// Owns one block of a quantised panel on NEON, four columns (a quarter of the panel) to a register: its codes, scales and sums of
// weights. Codes become signed and lose their offset here, so a product of codes needs no start value. Base of AArch64 only.
#pragma once

#include <arm_neon.h>

#include "kernels/activations.h"
#include "kernels/packed_layout.h"

namespace tandem {
namespace {

constexpr size_t kQuarters = 4;

/** 16 bits to 16 bytes of 16 or 0. */
inline uint8x16_t expand_fifth_bits(const uint8_t* p) {
  static const uint8_t byte_of[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
  uint16_t bits;
  __builtin_memcpy(&bits, p, 2);
  const uint8x16_t spread = vqtbl1q_u8(vreinterpretq_u8_u16(vdupq_n_u16(bits)), vld1q_u8(byte_of));
  const uint8x16_t bit_of = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201ull));
  return vandq_u8(vtstq_u8(spread, bit_of), vdupq_n_u8(16));
}

/** Bits 2 * kVector of every byte, as bits 4 and 5. */
template <int kVector>
inline uint8x16_t place_two_bits(uint8x16_t bits) {
  if constexpr (kVector == 3) bits = vshrq_n_u8(bits, 2);
  else bits = vshlq_n_u8(bits, 4 - 2 * kVector);
  return vandq_u8(bits, vdupq_n_u8(0x30));
}

/** Codes of groups kVector and kVector + 4 of a quarter: byte 4 * column + j. */
template <TensorDtype D, int kVector>
inline int8x16x2_t load_codes(const QuantPanel& panel, size_t b, size_t quarter) {
  constexpr QuantLayout layout = quant_layout(D);
  const uint8_t* codes = panel.codes + b * layout.codes_bytes + 64 * kVector + 16 * quarter;
  if constexpr (D == TensorDtype::q8_0) {
    return {{vreinterpretq_s8_u8(vld1q_u8(codes)), vreinterpretq_s8_u8(vld1q_u8(codes + 256))}};
  } else {
    const uint8x16_t packed = vld1q_u8(codes);
    uint8x16_t low = vandq_u8(packed, vdupq_n_u8(15)), high = vshrq_n_u8(packed, 4);
    const uint8_t* extra = panel.high + b * layout.high_bytes;
    if constexpr (D == TensorDtype::q6_k) {
      low = vorrq_u8(low, place_two_bits<kVector>(vld1q_u8(extra + 16 * quarter)));
      high = vorrq_u8(high, place_two_bits<kVector>(vld1q_u8(extra + 64 + 16 * quarter)));
    } else if constexpr (layout.high_bytes != 0) {
      low = vorrq_u8(low, expand_fifth_bits(extra + 8 * kVector + 2 * quarter));
      high = vorrq_u8(high, expand_fifth_bits(extra + 8 * (kVector + 4) + 2 * quarter));
    }
    int8x16x2_t both = {{vreinterpretq_s8_u8(low), vreinterpretq_s8_u8(high)}};
    if constexpr (code_offset(D) != 0) {
      const int8x16_t offset = vdupq_n_s8(code_offset(D));
      both = {{vsubq_s8(both.val[0], offset), vsubq_s8(both.val[1], offset)}};
    }
    return both;
  }
}

inline float32x4_t load_half4(const uint8_t* p) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p))); }
inline uint8x8_t load_four_bytes(const uint8_t* p) {
  uint32_t four;
  __builtin_memcpy(&four, p, 4);
  return vcreate_u8(four);
}
inline float32x4_t load_u8x4(const uint8_t* p) { return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(load_four_bytes(p))))); }
inline float32x4_t load_i8x4(const uint8_t* p) {
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(load_four_bytes(p))))));
}

/** Weight scales of a quarter; Q6_K has one per half block, other types one and perhaps a minimum. */
struct Scales { float32x4_t first, second; };

template <TensorDtype D>
inline Scales load_scales(const QuantPanel& panel, size_t b, size_t quarter) {
  constexpr QuantLayout layout = quant_layout(D);
  const uint8_t* scales = panel.scales + b * layout.scale_bytes;
  const uint8_t* supers = panel.supers + b / kBlocksPerSuper * layout.super_bytes + 8 * quarter;
  const uint8_t* codes = scales + 4 * quarter;
  if constexpr (D == TensorDtype::q6_k) {
    const float32x4_t d = load_half4(supers);
    return {vmulq_f32(d, load_i8x4(codes)), vmulq_f32(d, load_i8x4(codes + 16))};
  } else if constexpr (D == TensorDtype::q4_k || D == TensorDtype::q5_k) {
    return {vmulq_f32(load_half4(supers), load_u8x4(codes)), vnegq_f32(vmulq_f32(load_half4(supers + 32), load_u8x4(codes + 16)))};
  } else if constexpr (has_minimum(D)) {
    return {load_half4(scales + 8 * quarter), load_half4(scales + 32 + 8 * quarter)};
  } else {
    return {load_half4(scales + 8 * quarter), vdupq_n_f32(0)};
  }
}

/** Per column the sum of a block's weights without its minimum: what the activations' zero multiplies. 16 bits hold 16 codes. */
class WeightSum {
 public:
  void add(int8x16x2_t codes) {
    low_ = vpadalq_s8(low_, codes.val[0]);
    high_ = vpadalq_s8(high_, codes.val[1]);
  }

  template <TensorDtype D>
  float32x4_t scaled(const Scales& scales) const {
    if constexpr (D == TensorDtype::q6_k) {
      const float32x4_t low = vcvtq_f32_s32(vpaddlq_s16(low_)), high = vcvtq_f32_s32(vpaddlq_s16(high_));
      return vfmaq_f32(vmulq_f32(scales.first, low), scales.second, high);
    } else {
      return vmulq_f32(scales.first, vcvtq_f32_s32(vpaddlq_s16(vaddq_s16(low_, high_))));
    }
  }

 private:
  int16x8_t low_ = vdupq_n_s16(0), high_ = vdupq_n_s16(0);
};

/** A product of codes, times both scales, on top of a row's sum. */
inline float32x4_t add_scaled(float32x4_t sum, int32x4_t dot, float32x4_t weight_scale, const QuantBlock& a) {
  return vfmaq_f32(sum, vcvtq_f32_s32(dot), vmulq_n_f32(weight_scale, a.scale));
}

/** What a block adds besides its products of codes: the share of its minimum, and that of the activations' zero. */
template <TensorDtype D>
inline float32x4_t add_constants(float32x4_t sum, float32x4_t minimum, float32x4_t weight_sum, const QuantBlock& a) {
  if constexpr (has_minimum(D)) sum = vfmaq_f32(sum, minimum, vdupq_n_f32(a.scaled_sum));
  return vfmaq_f32(sum, weight_sum, vdupq_n_f32(a.scaled_zero));
}

}  // namespace
}  // namespace tandem
