// Owns the dot products of any AVX2 machine. vpmaddubsw adds two products u * s into a signed 16-bit lane. Codes of 4 bits leave room for all
// eight groups of a block before the lane could overflow (8 * 2 * 15 * 127 = 30,480), 5 bits for four groups (31,496), 6 bits for two
// (32,004); only then is the sum widened by vpmaddwd. 8-bit codes are two of 4 bits to a tile of several rows. One of few rows reads them as
// they are: each product is widened, with the activation's sign moved to fit (2 * 128 * 127 = 32,512), and signs and products want the same units.
#if defined(__x86_64__)
#include "kernels/avx2_block_impl.h"

namespace tandem {
namespace {

constexpr bool kUnsignedQ8_0 = false;
constexpr size_t kSplitRows = 8;

/** How many groups of four inputs may be added in 16 bits. */
constexpr int narrow_groups(TensorDtype dtype) {
  switch (dtype) {
    case TensorDtype::q4_0: case TensorDtype::q4_1: case TensorDtype::q4_k: return 8;
    case TensorDtype::q5_0: case TensorDtype::q5_1: case TensorDtype::q5_k: return 4;
    case TensorDtype::q6_k: return 2;
    default: return 1;
  }
}

/** Vectors of 8 columns: two share each broadcast, but where signs of 8-bit codes take the registers. */
template <TensorDtype D, bool kSplit>
constexpr int kVectors = D == TensorDtype::q8_0 && !kSplit ? 1 : 2;
template <TensorDtype D, bool kSplit>
constexpr int kRows = kVectors<D, kSplit> == 1 ? 6 : 4;

/** dot[r][v] += kUnit * codes of groups [kFirst, kLast) times rows' activations, 8 columns a vector. */
template <TensorDtype D, int R, int V, int kFirst, int kLast, int kUnit = 1>
inline void dot_rows(const uint8_t (*codes)[64], const QuantBlock* const* a, __m256i (*dot)[V]) {
  constexpr int kNarrow = narrow_groups(D) < kLast - kFirst ? narrow_groups(D) : kLast - kFirst;
  const __m256i unit = _mm256_set1_epi16(kUnit);
#pragma GCC unroll 8
  for (int first = kFirst; first < kLast; first += kNarrow) {
    __m256i narrow[R][V];
#pragma GCC unroll 8
    for (int g = first; g < first + kNarrow; g++) {
      __m256i w[V];
      for (int v = 0; v < V; v++) w[v] = load256(codes[g] + 32 * v);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        const __m256i q = broadcast_four(a[r]->q + 4 * g);
        for (int v = 0; v < V; v++) {
          const __m256i products = D == TensorDtype::q8_0
              ? _mm256_maddubs_epi16(_mm256_abs_epi8(w[v]), _mm256_sign_epi8(q, w[v]))
              : _mm256_maddubs_epi16(w[v], q);
          narrow[r][v] = g == first ? products : _mm256_add_epi16(narrow[r][v], products);
          // Keeps the chain of adds: GCC would turn it into a tree, whose leaves do not fit the registers.
          asm("" : "+x"(narrow[r][v]));
        }
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      for (int v = 0; v < V; v++) dot[r][v] = _mm256_add_epi32(dot[r][v], _mm256_madd_epi16(narrow[r][v], unit));
    }
  }
}

}  // namespace
}  // namespace tandem

#include "kernels/avx2_tile_impl.h"

namespace tandem {
const QuantPanels kAvx2QuantPanels = TANDEM_QUANT_PANELS(1, panel_product);
}
#endif
