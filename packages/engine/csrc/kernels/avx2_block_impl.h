// Owns reading blocks of a quantised panel with 256-bit vectors: they are unpacked to bytes and float scales in the first-level cache,
// for all rows they are multiplied with.
#pragma once

#include <immintrin.h>

#include "kernels/activations.h"
#include "kernels/packed_layout.h"
#include "kernels/unpacked_block.h"

namespace tandem {
namespace {

inline __m256i load256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline __m256 load_half8(const uint8_t* p) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
inline __m256 load_u8x8(const uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
inline __m256 load_i8x8(const uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}

/** 32 bits to 32 bytes of 16 or 0. */
inline __m256i expand_fifth_bits(const uint8_t* p) {
  int32_t bits;
  __builtin_memcpy(&bits, p, 4);
  const __m256i byte_of = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i bit_of = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ull));
  const __m256i spread = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(bits), byte_of), bit_of);
  return _mm256_and_si256(_mm256_cmpeq_epi8(spread, bit_of), _mm256_set1_epi8(16));
}

template <TensorDtype D>
inline void decode_scales(const QuantPanel& panel, size_t b, UnpackedBlock& block) {
  constexpr QuantLayout layout = quant_layout(D);
  const uint8_t* scales = panel.scales + b * layout.scale_bytes;
  const uint8_t* supers = panel.supers + b / kBlocksPerSuper * layout.super_bytes;
  for (size_t c = 0; c < 16; c += 8) {
    __m256 scale, second = _mm256_setzero_ps();
    if constexpr (D == TensorDtype::q6_k) {
      const __m256 d = load_half8(supers + 2 * c);
      scale = _mm256_mul_ps(d, load_i8x8(scales + c));
      second = _mm256_mul_ps(d, load_i8x8(scales + 16 + c));
    } else if constexpr (D == TensorDtype::q4_k || D == TensorDtype::q5_k) {
      scale = _mm256_mul_ps(load_half8(supers + 2 * c), load_u8x8(scales + c));
      second = _mm256_mul_ps(load_half8(supers + 32 + 2 * c), load_u8x8(scales + 16 + c));
      second = _mm256_xor_ps(second, _mm256_set1_ps(-0.0f));
    } else {
      scale = load_half8(scales + 2 * c);
      if constexpr (has_minimum(D)) second = load_half8(scales + 32 + 2 * c);
    }
    _mm256_store_ps(block.scale + c, scale);
    _mm256_store_ps(block.second + c, second);
  }
}

/** Sums of a block's weights without their minimum for 8 columns. Unsigned codes leave room to add the groups as bytes: 8 * 31, 4 * 63. */
template <TensorDtype D>
class WeightSum {
 public:
  /** Codes of groups v and v + 4. */
  void add(__m256i low, __m256i high) {
    if constexpr (D == TensorDtype::q8_0) {
      const __m256i ones = _mm256_set1_epi8(1);
      low_ = _mm256_add_epi16(low_, _mm256_maddubs_epi16(ones, low));
      high_ = _mm256_add_epi16(high_, _mm256_maddubs_epi16(ones, high));
    } else {
      low_ = _mm256_add_epi8(low_, low);
      high_ = _mm256_add_epi8(high_, high);
    }
  }

  /** Of columns [c, c + 8); the scales are there. */
  __m256 scaled(const UnpackedBlock& block, size_t c) const {
    const __m256 scale = _mm256_load_ps(block.scale + c);
    if constexpr (D == TensorDtype::q6_k) {
      return _mm256_fmadd_ps(_mm256_load_ps(block.second + c), codes(high_, 16), _mm256_mul_ps(scale, codes(low_, 16)));
    } else if constexpr (D == TensorDtype::q8_0) {
      return _mm256_mul_ps(scale, codes(_mm256_add_epi16(low_, high_), 32));
    } else {
      return _mm256_mul_ps(scale, codes(_mm256_add_epi8(low_, high_), 32));
    }
  }

 private:
  /** `count` codes a column, without their offset. */
  static __m256 codes(__m256i sum, int count) {
    if constexpr (D != TensorDtype::q8_0) sum = _mm256_maddubs_epi16(sum, _mm256_set1_epi8(1));
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_madd_epi16(sum, _mm256_set1_epi16(1)), _mm256_set1_epi32(code_offset(D) * count)));
  }

  __m256i low_ = _mm256_setzero_si256(), high_ = _mm256_setzero_si256();
};

/** Codes of groups v and v + 4 for 8 columns, those from 8 * half on. */
template <TensorDtype D>
inline void load_groups(const QuantPanel& panel, size_t b, int v, int half, __m256i& low, __m256i& high) {
  constexpr QuantLayout layout = quant_layout(D);
  const uint8_t* codes = panel.codes + b * layout.codes_bytes + 64 * v + 32 * half;
  if constexpr (D == TensorDtype::q8_0) {
    low = load256(codes);
    high = load256(codes + 64 * 4);
    return;
  }
  const __m256i nibble = _mm256_set1_epi8(15), packed = load256(codes);
  low = _mm256_and_si256(packed, nibble);
  high = _mm256_and_si256(_mm256_srli_epi16(packed, 4), nibble);
  const uint8_t* extra = panel.high + b * layout.high_bytes;
  if constexpr (D == TensorDtype::q6_k) {
    const auto top_bits = [&](const uint8_t* bytes) {
      const __m256i bits = load256(bytes + 32 * half);
      const __m256i moved = v == 0 ? _mm256_slli_epi16(bits, 4) : v == 1 ? _mm256_slli_epi16(bits, 2) : v == 2 ? bits : _mm256_srli_epi16(bits, 2);
      return _mm256_and_si256(moved, _mm256_set1_epi8(0x30));
    };
    low = _mm256_or_si256(low, top_bits(extra));
    high = _mm256_or_si256(high, top_bits(extra + 64));
  } else if constexpr (layout.high_bytes != 0) {
    low = _mm256_or_si256(low, expand_fifth_bits(extra + 8 * v + 4 * half));
    high = _mm256_or_si256(high, expand_fifth_bits(extra + 8 * (v + 4) + 4 * half));
  }
}

/** Codes of a block, by groups. */
using Codes = uint8_t[kGroups][64];

/** Q8_0's code + 128 as two times 4 bits. */
inline void keep_halves(__m256i code, uint8_t* lower, uint8_t* upper) {
  const __m256i nibble = _mm256_set1_epi8(15), flip = _mm256_set1_epi8(8);
  _mm256_store_si256(reinterpret_cast<__m256i*>(lower), _mm256_and_si256(code, nibble));
  _mm256_store_si256(reinterpret_cast<__m256i*>(upper), _mm256_xor_si256(_mm256_and_si256(_mm256_srli_epi16(code, 4), nibble), flip));
}

/** Scales, sums of weights and codes of a block. Q8_0's codes are read where they are, or split into block.codes and `upper`. */
template <TensorDtype D, bool kSplit>
inline void decode_block(const QuantPanel& panel, size_t b, UnpackedBlock& block, Codes& upper) {
  decode_scales<D>(panel, b, block);
  for (int half = 0; half < 2; half++) {
    WeightSum<D> sum;
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) {
      __m256i low, high;
      load_groups<D>(panel, b, v, half, low, high);
      sum.add(low, high);
      uint8_t *first = block.codes[v] + 32 * half, *second = block.codes[v + 4] + 32 * half;
      if constexpr (kSplit) {
        keep_halves(low, first, upper[v] + 32 * half);
        keep_halves(high, second, upper[v + 4] + 32 * half);
      } else if constexpr (D != TensorDtype::q8_0) {
        _mm256_store_si256(reinterpret_cast<__m256i*>(first), low);
        _mm256_store_si256(reinterpret_cast<__m256i*>(second), high);
      }
    }
    _mm256_store_ps(block.weight_sum + 8 * half, sum.scaled(block, static_cast<size_t>(8 * half)));
  }
}

inline __m256i broadcast_four(const int8_t* q) {
  int32_t four;
  __builtin_memcpy(&four, q, 4);
  return _mm256_set1_epi32(four);
}

/** What a dot product starts from: the code offset's share. Q8_0's is for products that read its codes as unsigned bytes. */
template <TensorDtype D, bool kHigh = false>
inline __m256i dot_start(const QuantBlock& a) {
  if constexpr (D == TensorDtype::q4_0) return _mm256_set1_epi32(a.start_q4_0);
  if constexpr (D == TensorDtype::q5_0) return _mm256_set1_epi32(a.start_q5_0);
  if constexpr (D == TensorDtype::q8_0) return _mm256_set1_epi32(a.start_q8_0);
  if constexpr (D == TensorDtype::q6_k) return _mm256_set1_epi32(kHigh ? a.start_q6_k_high : a.start_q6_k_low);
  return _mm256_setzero_si256();
}

}  // namespace
}  // namespace tandem
