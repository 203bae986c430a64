// Owns the dot products of machines with AVX2 and its own VNNI (desktops and laptops without AVX-512): vpdpbusd adds four products u * s into
// a 32-bit lane.
#if defined(__x86_64__)
#include "kernels/quant_panels.h"

#if defined(__AVXVNNI__)
#include "kernels/avx2_block_impl.h"

namespace tandem {
namespace {

constexpr bool kUnsignedQ8_0 = true;
constexpr size_t kSplitRows = 0;
template <TensorDtype, bool>
constexpr int kVectors = 1;
/** As many independent sums as keep two units with a latency of five busy. */
template <TensorDtype, bool>
constexpr int kRows = 8;

/** dot[r][0] += codes of groups [kFirst, kLast) times rows' activations, for 8 columns. */
template <TensorDtype D, int R, int V, int kFirst, int kLast>
inline void dot_rows(const uint8_t (*codes)[64], const QuantBlock* const* a, __m256i (*dot)[V]) {
#pragma GCC unroll 8
  for (int g = kFirst; g < kLast; g++) {
    __m256i w = load256(codes[g]);
    if constexpr (D == TensorDtype::q8_0) w = _mm256_xor_si256(w, _mm256_set1_epi8(static_cast<char>(0x80)));
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) dot[r][0] = _mm256_dpbusd_avx_epi32(dot[r][0], w, broadcast_four(a[r]->q + 4 * g));
  }
}

}  // namespace
}  // namespace tandem

#include "kernels/avx2_tile_impl.h"

namespace tandem {
const QuantPanels kAvx2VnniQuantPanels = TANDEM_QUANT_PANELS(1, panel_product);
}
#else

namespace tandem {
const QuantPanels kAvx2VnniQuantPanels = {};
}
#endif
#endif
