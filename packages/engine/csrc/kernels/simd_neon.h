// Owns the 16-lane float vector of the NEON paths: four q registers. Same operations and rounding as simd_portable.h. Nothing here
// is newer than the base of AArch64.
#pragma once

#include <arm_neon.h>
#include <cstddef>
#include <cstdint>

namespace tandem {
namespace {

/**
 * Rows of a register tile at most, and vectors it may keep (sums and weights; one is left for inputs). Six rows would fit as well, but
 * compilers load all their inputs at once and spill sums.
 */
constexpr size_t kFloatTileRows = 4, kTileVectors = 7;
/** Panels of a float product computed together. */
constexpr size_t kFloatPanels = 2;

constexpr float kFp8Scale = 256;

struct F { float32x4_t v[4]; };

/** op(i) for each of the four registers. */
template <typename Op>
inline F f_each(Op&& op) { return {{op(0), op(1), op(2), op(3)}}; }

inline F f_set1(float x) { const float32x4_t v = vdupq_n_f32(x); return {{v, v, v, v}}; }
inline F f_zero() { return f_set1(0); }
inline F f_load(const float* p) { return f_each([=](int i) { return vld1q_f32(p + 4 * i); }); }
inline void f_store(float* p, F a) { for (int i = 0; i < 4; i++) vst1q_f32(p + 4 * i, a.v[i]); }
inline F f_add(F a, F b) { return f_each([&](int i) { return vaddq_f32(a.v[i], b.v[i]); }); }
inline F f_sub(F a, F b) { return f_each([&](int i) { return vsubq_f32(a.v[i], b.v[i]); }); }
inline F f_mul(F a, F b) { return f_each([&](int i) { return vmulq_f32(a.v[i], b.v[i]); }); }
inline F f_div(F a, F b) { return f_each([&](int i) { return vdivq_f32(a.v[i], b.v[i]); }); }
inline F f_fma(F a, F b, F c) { return f_each([&](int i) { return vfmaq_f32(c.v[i], a.v[i], b.v[i]); }); }
/** The second operand where either is NaN; FMAX and FMIN would give NaN. */
inline float32x4_t max_four(float32x4_t a, float32x4_t b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
inline float32x4_t min_four(float32x4_t a, float32x4_t b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
inline F f_max(F a, F b) { return f_each([&](int i) { return max_four(a.v[i], b.v[i]); }); }
inline F f_min(F a, F b) { return f_each([&](int i) { return min_four(a.v[i], b.v[i]); }); }
inline F f_abs(F a) { return f_each([&](int i) { return vabsq_f32(a.v[i]); }); }
inline F f_round(F a) { return f_each([&](int i) { return vrndnq_f32(a.v[i]); }); }
inline F f_zero_below(F value, F x, F limit) {
  return f_each([&](int i) { return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(value.v[i]), vcgeq_f32(x.v[i], limit.v[i]))); });
}
inline F f_pow2(F n) {
  return f_each([&](int i) { return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n.v[i]), vdupq_n_s32(127)), 23)); });
}

/** Lanes i and i + 8, then i and i + 4, then i and i + 2, then the last two. */
template <typename Op>
inline float reduce(F a, Op&& op) {
  const float32x4_t four = op(op(a.v[0], a.v[2]), op(a.v[1], a.v[3]));
  const float32x4_t two = op(four, vextq_f32(four, four, 2));
  return vgetq_lane_f32(op(two, vextq_f32(two, two, 1)), 0);
}
inline float f_reduce_add(F a) { return reduce(a, [](float32x4_t x, float32x4_t y) { return vaddq_f32(x, y); }); }
inline float f_reduce_max(F a) { return reduce(a, max_four); }

inline int32_t f_store_i8(int8_t* p, F a) {
  const int32x4_t q0 = vcvtnq_s32_f32(a.v[0]), q1 = vcvtnq_s32_f32(a.v[1]), q2 = vcvtnq_s32_f32(a.v[2]), q3 = vcvtnq_s32_f32(a.v[3]);
  const int16x8_t low = vcombine_s16(vqmovn_s32(q0), vqmovn_s32(q1)), high = vcombine_s16(vqmovn_s32(q2), vqmovn_s32(q3));
  vst1q_s8(p, vcombine_s8(vqmovn_s16(low), vqmovn_s16(high)));
  return vaddvq_s32(vaddq_s32(vaddq_s32(q0, q1), vaddq_s32(q2, q3)));
}

inline F f_load_f16(const uint16_t* p) {
  return f_each([=](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))); });
}
inline F f_load_bf16(const uint16_t* p) {
  return f_each([=](int i) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p + 4 * i), 16)); });
}
/** Of 16 pairs the first or the second. */
inline F f_load_bf16_of_pairs(const uint16_t* p, bool second) {
  const int32x4_t count = vdupq_n_s32(second ? 0 : 16);
  return f_each([&](int i) {
    const uint32x4_t pairs = vreinterpretq_u32_u16(vld1q_u16(p + 8 * i));
    return vreinterpretq_f32_u32(vandq_u32(vshlq_u32(pairs, count), vdupq_n_u32(0xffff0000)));
  });
}
/** fp8 values divided by kFp8Scale: e4m3 bits shifted into a half are the value times 2^-8. */
inline F f_load_fp8_scaled(const uint8_t* p) {
  const uint8x16_t bytes = vld1q_u8(p);
  const auto halves = [](uint16x8_t words) {
    // The sign moves by 8 bits and the rest by 7.
    return vorrq_u16(vshlq_n_u16(vandq_u16(words, vdupq_n_u16(0x80)), 8), vshlq_n_u16(vandq_u16(words, vdupq_n_u16(0x7f)), 7));
  };
  const float16x8_t low = vreinterpretq_f16_u16(halves(vmovl_u8(vget_low_u8(bytes))));
  const float16x8_t high = vreinterpretq_f16_u16(halves(vmovl_high_u8(bytes)));
  return {{vcvt_f32_f16(vget_low_f16(low)), vcvt_high_f32_f16(low), vcvt_f32_f16(vget_low_f16(high)), vcvt_high_f32_f16(high)}};
}
inline void f_store_f16(uint16_t* p, F a) {
  for (int i = 0; i < 4; i++) vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(a.v[i])));
}
inline uint16x4_t bf16_bits(float32x4_t a) {
  const uint32x4_t bits = vreinterpretq_u32_f32(a), odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
  const uint32x4_t nan = vorrq_u32(bits, vdupq_n_u32(0x400000));
  return vshrn_n_u32(vbslq_u32(vceqq_f32(a, a), rounded, nan), 16);
}
inline void f_store_bf16(uint16_t* p, F a) { for (int i = 0; i < 4; i++) vst1_u16(p + 4 * i, bf16_bits(a.v[i])); }

/** Lane i: lane i ^ kDistance. */
template <int kDistance>
inline F f_swap(F a) {
  if constexpr (kDistance == 8) return {{a.v[2], a.v[3], a.v[0], a.v[1]}};
  if constexpr (kDistance == 4) return {{a.v[1], a.v[0], a.v[3], a.v[2]}};
  return f_each([&](int i) { return kDistance == 2 ? vextq_f32(a.v[i], a.v[i], 2) : vrev64q_f32(a.v[i]); });
}

/** 16 sums, and 16 pairs of 16-bit numbers to add products of: first and second of eight pairs each. */
struct I { int32x4_t v[4]; };
struct Pairs { int16x8_t first[2], second[2]; };
inline I i_zero() { const int32x4_t v = vdupq_n_s32(0); return {{v, v, v, v}}; }
/** Lane i: bytes 2i and 2i + 1. */
inline Pairs pairs_load_i8(const int8_t* p) {
  const int8x16x2_t bytes = vld2q_s8(p);
  return {{vmovl_s8(vget_low_s8(bytes.val[0])), vmovl_high_s8(bytes.val[0])}, {vmovl_s8(vget_low_s8(bytes.val[1])), vmovl_high_s8(bytes.val[1])}};
}
inline Pairs pairs_set1(const int16_t* pair) {
  const int16x8_t first = vdupq_n_s16(pair[0]), second = vdupq_n_s16(pair[1]);
  return {{first, first}, {second, second}};
}
/** sum + a.first * b.first + a.second * b.second */
inline I i_dot(I sum, const Pairs& a, const Pairs& b) {
  for (int i = 0; i < 2; i++) {
    sum.v[2 * i] = vmlal_s16(sum.v[2 * i], vget_low_s16(a.first[i]), vget_low_s16(b.first[i]));
    sum.v[2 * i] = vmlal_s16(sum.v[2 * i], vget_low_s16(a.second[i]), vget_low_s16(b.second[i]));
    sum.v[2 * i + 1] = vmlal_high_s16(sum.v[2 * i + 1], a.first[i], b.first[i]);
    sum.v[2 * i + 1] = vmlal_high_s16(sum.v[2 * i + 1], a.second[i], b.second[i]);
  }
  return sum;
}
inline F f_from_i(const I& a) { return f_each([&](int i) { return vcvtq_f32_s32(a.v[i]); }); }
inline F f_load_i8(const int8_t* p) {
  const int8x16_t bytes = vld1q_s8(p);
  const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_high_s8(bytes);
  return {{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_high_s16(low)), vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
           vcvtq_f32_s32(vmovl_high_s16(high))}};
}
/** Rounds to nearest even; values are within range. */
inline void f_store_i16(int16_t* p, F a) {
  for (int i = 0; i < 4; i++) vst1_s16(p + 4 * i, vqmovn_s32(vcvtnq_s32_f32(a.v[i])));
}

}  // namespace
}  // namespace tandem
