// Owns the dot products of any AVX2 machine. vpmaddubsw adds two products u * s into a signed 16-bit lane. Codes of 4 bits leave room for all
// eight groups of a block before the lane could overflow (8 * 2 * 15 * 127 = 30,480), 5 bits for four groups (31,496), 6 bits for two
// (32,004); only then is the sum widened by vpmaddwd. 8-bit codes are widened each time, with the activation's sign moved to fit
// (2 * 128 * 127 = 32,512).
#if defined(__x86_64__)
#include "kernels/avx2_block_impl.h"

namespace tandem {
namespace {

constexpr bool kUnsignedQ8_0 = false;
/** Of a tile: each has a sum of 16 bits and one of floats in a register. */
constexpr int kRows = 6;

/** How many groups of four inputs may be added in 16 bits. */
constexpr int narrow_groups(TensorDtype dtype) {
  switch (dtype) {
    case TensorDtype::q4_0: case TensorDtype::q4_1: case TensorDtype::q4_k: return 8;
    case TensorDtype::q5_0: case TensorDtype::q5_1: case TensorDtype::q5_k: return 4;
    case TensorDtype::q6_k: return 2;
    default: return 1;
  }
}

/** dot[r] += codes of groups [kFirst, kLast) times rows' activations, for 8 columns. */
template <TensorDtype D, int R, int kFirst, int kLast>
inline void dot_rows(const uint8_t (*codes)[64], const QuantBlock* const* a, __m256i* dot) {
  constexpr int kNarrow = narrow_groups(D) < kLast - kFirst ? narrow_groups(D) : kLast - kFirst;
  const __m256i ones = _mm256_set1_epi16(1);
#pragma GCC unroll 8
  for (int first = kFirst; first < kLast; first += kNarrow) {
    __m256i narrow[R];
#pragma GCC unroll 8
    for (int g = first; g < first + kNarrow; g++) {
      const __m256i w = load256(codes[g]);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        const __m256i q = broadcast_four(a[r]->q + 4 * g);
        const __m256i products = D == TensorDtype::q8_0
            ? _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(q, w))
            : _mm256_maddubs_epi16(w, q);
        narrow[r] = g == first ? products : _mm256_add_epi16(narrow[r], products);
        // Keeps the chain of adds: GCC would turn it into a tree, whose leaves do not fit the registers.
        asm("" : "+x"(narrow[r]));
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) dot[r] = _mm256_add_epi32(dot[r], _mm256_madd_epi16(narrow[r], ones));
  }
}

}  // namespace
}  // namespace tandem

#include "kernels/avx2_tile_impl.h"

namespace tandem {
const QuantPanels kAvx2QuantPanels = TANDEM_QUANT_PANELS(1, panel_product);
}
#endif
