// Owns the AVX-512 VNNI product of 8-bit activations with one quantised panel. A block's 16 x 32 weights are unpacked into
// eight registers once and used by up to 16 rows; vpdpbusd takes weights as unsigned bytes and activations, four at a time,
// broadcast from memory.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/quant_panels.h"

namespace tandem {
namespace {

template <TensorDtype D>
inline void load_codes(const QuantPanel& panel, size_t b, __m512i* w) {
  constexpr QuantLayout layout = quant_layout(D);
  const uint8_t* codes = panel.codes + b * layout.codes_bytes;
  if constexpr (D == TensorDtype::q8_0) {
    const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
    for (int g = 0; g < 8; g++) w[g] = _mm512_xor_si512(_mm512_load_si512(codes + 64 * g), flip);
    return;
  }
  const __m512i mask = _mm512_set1_epi8(15);
  for (int v = 0; v < 4; v++) {
    w[v] = _mm512_and_si512(_mm512_load_si512(codes + 64 * v), mask);
    asm("vpsrlw $4, %1, %0" : "=v"(w[v + 4]) : "m"(*reinterpret_cast<const __m512i*>(codes + 64 * v)));
    w[v + 4] = _mm512_and_si512(w[v + 4], mask);
  }
  if constexpr (D == TensorDtype::q6_k) {
    const __m512i two_bits = _mm512_set1_epi8(0x30);
    for (int h = 0; h < 2; h++) {
      const __m512i high = _mm512_load_si512(panel.high + b * layout.high_bytes + 64 * h);
      // 0xf8 ORs the first operand with the AND of the others.
      w[4 * h] = _mm512_ternarylogic_epi32(w[4 * h], _mm512_slli_epi16(high, 4), two_bits, 0xf8);
      w[4 * h + 1] = _mm512_ternarylogic_epi32(w[4 * h + 1], _mm512_slli_epi16(high, 2), two_bits, 0xf8);
      w[4 * h + 2] = _mm512_ternarylogic_epi32(w[4 * h + 2], high, two_bits, 0xf8);
      w[4 * h + 3] = _mm512_ternarylogic_epi32(w[4 * h + 3], _mm512_srli_epi16(high, 2), two_bits, 0xf8);
    }
  } else if constexpr (layout.high_bytes != 0) {
    const auto* high = reinterpret_cast<const __mmask64*>(panel.high + b * layout.high_bytes);
    const __m512i fifth_bit = _mm512_set1_epi8(16);
    for (int g = 0; g < 8; g++) w[g] = _mm512_mask_add_epi8(w[g], high[g], w[g], fifth_bit);
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

/** sum + dot of four unsigned weight bytes with four signed activations, per lane. Written out because compilers load the broadcast
 *  into a register of its own instead of folding it. */
inline __m512i add_dot4(__m512i sum, __m512i w, const int8_t* q) {
  using Four [[gnu::may_alias]] = int32_t;
  asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(w), "m"(*reinterpret_cast<const Four*>(q)));
  return sum;
}

template <int kFirst, int kLast>
inline __m512i dot(__m512i sum, const __m512i* w, const int8_t* q) {
#pragma GCC unroll 8
  for (int g = kFirst; g < kLast; g++) sum = add_dot4(sum, w[g], q + 4 * g);
  return sum;
}

template <TensorDtype D>
inline __m512i dot_start(const QuantBlock& a) {
  if constexpr (D == TensorDtype::q4_0) return _mm512_set1_epi32(a.start_q4_0);
  if constexpr (D == TensorDtype::q5_0) return _mm512_set1_epi32(a.start_q5_0);
  if constexpr (D == TensorDtype::q8_0) return _mm512_set1_epi32(a.start_q8_0);
  return _mm512_setzero_si512();
}

inline __m512 add_scaled(__m512i dot_product, __m512 weight_scale, float x_scale, __m512 sum) {
  return _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot_product), _mm512_mul_ps(weight_scale, _mm512_set1_ps(x_scale)), sum);
}

template <TensorDtype D, int R>
[[gnu::noinline]] void tile(const QuantPanel& panel, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride, float* out,
                            bool prefetch) {
  __m512 sum[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) sum[r] = _mm512_setzero_ps();
  for (size_t b = block_begin; b < block_end; b++) {
    __m512i w[8];
    load_codes<D>(panel, b, w);
    if (prefetch) prefetch_next<D>(panel, b);
    const Scales scales = load_scales<D>(panel, b);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const QuantBlock& a = x[static_cast<size_t>(r) * stride + b];
      if constexpr (D == TensorDtype::q6_k) {
        sum[r] = add_scaled(dot<0, 4>(_mm512_set1_epi32(a.start_q6_k_low), w, a.q), scales.first, a.scale, sum[r]);
        sum[r] = add_scaled(dot<4, 8>(_mm512_set1_epi32(a.start_q6_k_high), w, a.q), scales.second, a.scale, sum[r]);
      } else {
        sum[r] = add_scaled(dot<0, 8>(dot_start<D>(a), w, a.q), scales.first, a.scale, sum[r]);
        if constexpr (has_minimum(D)) sum[r] = _mm512_fmadd_ps(scales.second, _mm512_set1_ps(a.scaled_sum), sum[r]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) _mm512_storeu_ps(out + 16 * r, sum[r]);
}

template <TensorDtype D>
void panel_product(const QuantPanel& panel, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride,
                   size_t num_rows, float* out) {
  bool first = true;
  auto run = [&](auto rows_tile, size_t rows) {
    rows_tile(panel, block_begin, block_end, x, stride, out, first);
    first = false;
    x += rows * stride;
    out += 16 * rows;
    num_rows -= rows;
  };
  while (num_rows >= 16) run(tile<D, 16>, 16);
  if (num_rows >= 8) run(tile<D, 8>, 8);
  if (num_rows >= 4) run(tile<D, 4>, 4);
  if (num_rows >= 2) run(tile<D, 2>, 2);
  if (num_rows >= 1) run(tile<D, 1>, 1);
}

}  // namespace

const QuantPanels kAvx512QuantPanels = TANDEM_QUANT_PANELS(panel_product);

}  // namespace tandem
#endif
