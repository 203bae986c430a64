// Owns reading a block of a quantised panel with 512-bit vectors: codes as bytes, scales, sums of weights; and keeping what was read for
// all rows that a block is multiplied with. Shared by the AVX-512 and the AMX products.
#pragma once

#include <immintrin.h>

#include "kernels/activations.h"
#include "kernels/packed_layout.h"
#include "kernels/unpacked_block.h"

namespace tandem {
namespace {

/** Codes of groups v and v + 4 of a block, as unsigned bytes. */
template <TensorDtype D>
inline void load_groups(const QuantPanel& panel, size_t b, int v, __m512i& low, __m512i& high) {
  constexpr QuantLayout layout = quant_layout(D);
  const uint8_t* codes = panel.codes + b * layout.codes_bytes;
  if constexpr (D == TensorDtype::q8_0) {
    const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
    low = _mm512_xor_si512(_mm512_load_si512(codes + 64 * v), flip);
    high = _mm512_xor_si512(_mm512_load_si512(codes + 64 * (v + 4)), flip);
    return;
  }
  const __m512i mask = _mm512_set1_epi8(15), packed = _mm512_load_si512(codes + 64 * v);
  low = _mm512_and_si512(packed, mask);
  high = _mm512_and_si512(_mm512_srli_epi16(packed, 4), mask);
  const uint8_t* extra = panel.high + b * layout.high_bytes;
  if constexpr (D == TensorDtype::q6_k) {
    const __m512i two_bits = _mm512_set1_epi8(0x30);
    const auto place = [v](__m512i bits) {
      return v == 0 ? _mm512_slli_epi16(bits, 4) : v == 1 ? _mm512_slli_epi16(bits, 2) : v == 2 ? bits : _mm512_srli_epi16(bits, 2);
    };
    // 0xf8 ORs the first operand with the AND of the others.
    low = _mm512_ternarylogic_epi32(low, place(_mm512_load_si512(extra)), two_bits, 0xf8);
    high = _mm512_ternarylogic_epi32(high, place(_mm512_load_si512(extra + 64)), two_bits, 0xf8);
  } else if constexpr (layout.high_bytes != 0) {
    const auto* masks = reinterpret_cast<const __mmask64*>(extra);
    const __m512i fifth_bit = _mm512_set1_epi8(16);
    low = _mm512_mask_add_epi8(low, masks[v], low, fifth_bit);
    high = _mm512_mask_add_epi8(high, masks[v + 4], high, fifth_bit);
  }
}

inline __m512 load_half16(const uint8_t* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
inline __m512 load_u8x16(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
inline __m512 load_i8x16(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}

/** Weight scales; Q6_K has one per half block, other types one and perhaps a minimum. */
struct Scales { __m512 first, second; };

template <TensorDtype D>
inline Scales load_scales(const QuantPanel& panel, size_t b) {
  constexpr QuantLayout layout = quant_layout(D);
  const uint8_t* scales = panel.scales + b * layout.scale_bytes;
  const uint8_t* supers = panel.supers + b / kBlocksPerSuper * layout.super_bytes;
  if constexpr (D == TensorDtype::q6_k) {
    const __m512 d = load_half16(supers);
    return {_mm512_mul_ps(d, load_i8x16(scales)), _mm512_mul_ps(d, load_i8x16(scales + 16))};
  } else if constexpr (D == TensorDtype::q4_k || D == TensorDtype::q5_k) {
    const __m512 minimum = _mm512_mul_ps(load_half16(supers + 32), load_u8x16(scales + 16));
    return {_mm512_mul_ps(load_half16(supers), load_u8x16(scales)), _mm512_xor_ps(minimum, _mm512_set1_ps(-0.0f))};
  } else if constexpr (has_minimum(D)) {
    return {load_half16(scales), load_half16(scales + 32)};
  } else {
    return {load_half16(scales), _mm512_setzero_ps()};
  }
}

/** Per column the sum of a block's weights without its minimum: what the activations' zero multiplies. */
template <TensorDtype D>
class WeightSum {
 public:
  void add(__m512i low, __m512i high) {
    if constexpr (D == TensorDtype::q8_0) {
      low_ = _mm512_dpbusd_epi32(low_, low, _mm512_set1_epi8(1));
      high_ = _mm512_dpbusd_epi32(high_, high, _mm512_set1_epi8(1));
    } else {
      // Codes leave room to add groups as bytes: 8 * 31, 4 * 63.
      low_ = _mm512_add_epi8(low_, low);
      high_ = _mm512_add_epi8(high_, high);
    }
  }

  __m512 scaled(const Scales& scales) const {
    if constexpr (D == TensorDtype::q6_k) {
      return _mm512_fmadd_ps(scales.second, codes(high_, 16), _mm512_mul_ps(scales.first, codes(low_, 16)));
    } else if constexpr (D == TensorDtype::q8_0) {
      const __m512i sum = _mm512_sub_epi32(_mm512_add_epi32(low_, high_), _mm512_set1_epi32(32 * 128));
      return _mm512_mul_ps(scales.first, _mm512_cvtepi32_ps(sum));
    } else {
      return _mm512_mul_ps(scales.first, codes(_mm512_add_epi8(low_, high_), 32));
    }
  }

 private:
  /** `count` codes a column, without their offset. */
  static __m512 codes(__m512i bytes, int count) {
    const __m512i start = _mm512_set1_epi32(-code_offset(D) * count);
    return _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(start, bytes, _mm512_set1_epi8(1)));
  }

  __m512i low_ = _mm512_setzero_si512(), high_ = _mm512_setzero_si512();
};

/** A row's sum with one more block: its dot products (Q6_K: of each half) by the scales of both sides, then what the minimum and the
 *  activations' zero add. */
template <TensorDtype D>
inline __m512 add_block(__m512 sum, __m512i dot, __m512i high_dot, const Scales& scales, __m512 weight_sum, const QuantBlock& a) {
  const auto add_scaled = [&](__m512i dot_product, __m512 scale) {
    sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot_product), _mm512_mul_ps(scale, _mm512_set1_ps(a.scale)), sum);
  };
  add_scaled(dot, scales.first);
  if constexpr (D == TensorDtype::q6_k) add_scaled(high_dot, scales.second);
  if constexpr (has_minimum(D)) sum = _mm512_fmadd_ps(scales.second, _mm512_set1_ps(a.scaled_sum), sum);
  return _mm512_fmadd_ps(weight_sum, _mm512_set1_ps(a.scaled_zero), sum);
}

inline void keep_codes(int v, __m512i low, __m512i high, UnpackedBlock& block) {
  _mm512_store_si512(block.codes[v], low);
  _mm512_store_si512(block.codes[v + 4], high);
}
inline void keep_scales(const Scales& scales, __m512 weight_sum, UnpackedBlock& block) {
  _mm512_store_ps(block.scale, scales.first);
  _mm512_store_ps(block.second, scales.second);
  _mm512_store_ps(block.weight_sum, weight_sum);
}
inline Scales kept_scales(const UnpackedBlock& block) { return {_mm512_load_ps(block.scale), _mm512_load_ps(block.second)}; }

/** Codes without their offset, as signed bytes; Q8_0's are left where they are, being that already. */
template <TensorDtype D>
inline void unpack_signed(const QuantPanel& panel, size_t b, UnpackedBlock& out) {
  WeightSum<D> sums;
  const __m512i offset = _mm512_set1_epi8(static_cast<char>(code_offset(D)));
#pragma GCC unroll 4
  for (int v = 0; v < 4; v++) {
    __m512i low, high;
    load_groups<D>(panel, b, v, low, high);
    sums.add(low, high);
    if constexpr (D == TensorDtype::q8_0) continue;
    if constexpr (code_offset(D) != 0) {
      low = _mm512_sub_epi8(low, offset);
      high = _mm512_sub_epi8(high, offset);
    }
    keep_codes(v, low, high, out);
  }
  const Scales scales = load_scales<D>(panel, b);
  keep_scales(scales, sums.scaled(scales), out);
}

}  // namespace
}  // namespace tandem
