// Owns the 16-lane float vector of the portable path: plain loops that a compiler turns into whatever the baseline
// has (SSE2, NEON). Every simd_*.h offers the same operations with the same rounding, lane by lane.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace tandem {
namespace {

/** Rows of a register tile at most, and vectors it may keep (sums and weights; one is left for the broadcast). */
constexpr size_t kFloatTileRows = 4, kTileVectors = 8;
/** Panels of a float product computed together. */
constexpr size_t kFloatPanels = 1;

constexpr float kFp8Scale = 256;

struct F { float v[16]; };

#define TANDEM_LANES for (int i = 0; i < 16; i++)

inline float bits_to_float(uint32_t bits) { float f; std::memcpy(&f, &bits, 4); return f; }
inline uint32_t float_to_bits(float f) { uint32_t bits; std::memcpy(&bits, &f, 4); return bits; }

inline F f_zero() { return F{}; }
inline F f_set1(float x) { F r; TANDEM_LANES r.v[i] = x; return r; }
inline F f_load(const float* p) { F r; std::memcpy(r.v, p, 64); return r; }
inline void f_store(float* p, F a) { std::memcpy(p, a.v, 64); }
inline F f_add(F a, F b) { TANDEM_LANES a.v[i] += b.v[i]; return a; }
inline F f_sub(F a, F b) { TANDEM_LANES a.v[i] -= b.v[i]; return a; }
inline F f_mul(F a, F b) { TANDEM_LANES a.v[i] *= b.v[i]; return a; }
inline F f_div(F a, F b) { TANDEM_LANES a.v[i] /= b.v[i]; return a; }
/** a * b + c, rounded once. Where that is a library call, one copy of the sixteen is enough. */
#if defined(__FP_FAST_FMAF)
inline
#else
[[gnu::noinline, maybe_unused]]
#endif
F f_fma(F a, F b, F c) { TANDEM_LANES c.v[i] = __builtin_fmaf(a.v[i], b.v[i], c.v[i]); return c; }
inline F f_max(F a, F b) { TANDEM_LANES a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i]; return a; }
inline F f_min(F a, F b) { TANDEM_LANES a.v[i] = a.v[i] < b.v[i] ? a.v[i] : b.v[i]; return a; }
inline F f_abs(F a) { TANDEM_LANES a.v[i] = __builtin_fabsf(a.v[i]); return a; }
inline F f_round(F a) { TANDEM_LANES a.v[i] = __builtin_rintf(a.v[i]); return a; }
/** value where x >= limit, 0 elsewhere */
inline F f_zero_below(F value, F x, F limit) { TANDEM_LANES value.v[i] = x.v[i] >= limit.v[i] ? value.v[i] : 0; return value; }
/** 2^n for integral n in [-126, 127] */
inline F f_pow2(F n) { TANDEM_LANES n.v[i] = bits_to_float(static_cast<uint32_t>(static_cast<int32_t>(n.v[i]) + 127) << 23); return n; }

inline float f_reduce_add(F a) {
  for (int width = 8; width > 0; width /= 2) for (int i = 0; i < width; i++) a.v[i] += a.v[i + width];
  return a.v[0];
}
inline float f_reduce_max(F a) {
  for (int width = 8; width > 0; width /= 2) for (int i = 0; i < width; i++) a.v[i] = a.v[i] > a.v[i + width] ? a.v[i] : a.v[i + width];
  return a.v[0];
}

/** Rounds to nearest even, stores 16 int8 (values are within range), returns their sum. */
inline int32_t f_store_i8(int8_t* p, F a) {
  int32_t sum = 0;
  TANDEM_LANES { const int32_t q = static_cast<int32_t>(__builtin_rintf(a.v[i])); p[i] = static_cast<int8_t>(q); sum += q; }
  return sum;
}

inline float half_to_float(uint16_t h) {
  const uint32_t sign = (h & 0x8000u) << 16, exponent = (h >> 10) & 31, mantissa = h & 0x3ff;
  if (exponent == 31) return bits_to_float(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return bits_to_float(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float value = static_cast<float>(mantissa) * 0x1p-24f;
  return sign ? -value : value;
}
/** Rounds half to even; overflow becomes infinity. */
inline uint16_t float_to_half(float f) {
  const uint32_t bits = float_to_bits(f), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x7f800000u) return static_cast<uint16_t>(sign | 0x7c00u | (magnitude > 0x7f800000u ? 0x200u | ((magnitude >> 13) & 0x3ffu) : 0));
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(__builtin_rintf(bits_to_float(magnitude) * 0x1p24f)));
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}
inline uint16_t float_to_bf16(float f) {
  const uint32_t bits = float_to_bits(f);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
/** e4m3: the bits shifted into a half are the value times 2^-8. */
inline float fp8_to_scaled(uint8_t b) { return half_to_float(static_cast<uint16_t>(((b & 0x80u) << 8) | ((b & 0x7fu) << 7))); }
inline float fp8_to_float(uint8_t b) { return fp8_to_scaled(b) * kFp8Scale; }

inline F f_load_f16(const uint16_t* p) { F r; TANDEM_LANES r.v[i] = half_to_float(p[i]); return r; }
inline F f_load_bf16(const uint16_t* p) { F r; TANDEM_LANES r.v[i] = bits_to_float(static_cast<uint32_t>(p[i]) << 16); return r; }
/** Of 16 pairs the first or the second. */
inline F f_load_bf16_of_pairs(const uint16_t* p, bool second) {
  F r;
  TANDEM_LANES r.v[i] = bits_to_float(static_cast<uint32_t>(p[2 * i + (second ? 1 : 0)]) << 16);
  return r;
}
/** fp8 values divided by kFp8Scale. */
inline F f_load_fp8_scaled(const uint8_t* p) { F r; TANDEM_LANES r.v[i] = fp8_to_scaled(p[i]); return r; }
inline void f_store_f16(uint16_t* p, F a) { TANDEM_LANES p[i] = float_to_half(a.v[i]); }
inline void f_store_bf16(uint16_t* p, F a) { TANDEM_LANES p[i] = float_to_bf16(a.v[i]); }

/** Lane i: lane i ^ kDistance. */
template <int kDistance>
inline F f_swap(const F& a) { F r; TANDEM_LANES r.v[i] = a.v[i ^ kDistance]; return r; }

/** 16 sums, and 16 pairs of 16-bit numbers to add products of. */
struct I { int32_t v[16]; };
struct Pairs { int16_t first[16], second[16]; };
inline I i_zero() { return I{}; }
/** Lane i: bytes 2i and 2i + 1. */
inline Pairs pairs_load_i8(const int8_t* p) {
  Pairs r;
  TANDEM_LANES { r.first[i] = p[2 * i]; r.second[i] = p[2 * i + 1]; }
  return r;
}
inline Pairs pairs_set1(const int16_t* pair) {
  Pairs r;
  TANDEM_LANES { r.first[i] = pair[0]; r.second[i] = pair[1]; }
  return r;
}
/** sum + a.first * b.first + a.second * b.second */
inline I i_dot(I sum, const Pairs& a, const Pairs& b) {
  TANDEM_LANES sum.v[i] += a.first[i] * b.first[i] + a.second[i] * b.second[i];
  return sum;
}
inline F f_from_i(const I& a) { F r; TANDEM_LANES r.v[i] = static_cast<float>(a.v[i]); return r; }
inline F f_load_i8(const int8_t* p) { F r; TANDEM_LANES r.v[i] = static_cast<float>(p[i]); return r; }
/** Rounds to nearest even; values are within range. */
inline void f_store_i16(int16_t* p, const F& a) { TANDEM_LANES p[i] = static_cast<int16_t>(__builtin_rintf(a.v[i])); }

#undef TANDEM_LANES

}  // namespace
}  // namespace tandem
