// Owns sums of codes by the 8-bit matrix extension of AArch64. SMMLA multiplies two rows by two columns over eight inputs: twice the work
// of SDOT, once codes are stored so that eight inputs of a column adjoin. A single row takes SDOT.
#if defined(__aarch64__)
#include "kernels/neon_dot_impl.h"

namespace tandem {
namespace {

constexpr size_t kTileQuarters = 2;

template <TensorDtype D>
constexpr bool kInPlace = false;
/** From a column's eight inputs to the next column's. */
constexpr size_t kColumnBytes = 8;

/** Inputs 8 * s .. 8 * s + 7 of a quarter go to 128 * s. */
inline void store_codes(const int8x16x2_t* codes, size_t quarter, int8_t* to) {
  const auto put = [=](size_t s, int8x16_t even_group, int8x16_t odd_group) {
    const int32x4_t even = vreinterpretq_s32_s8(even_group), odd = vreinterpretq_s32_s8(odd_group);
    vst1q_s8(to + 128 * s + 32 * quarter, vreinterpretq_s8_s32(vzip1q_s32(even, odd)));
    vst1q_s8(to + 128 * s + 32 * quarter + 16, vreinterpretq_s8_s32(vzip2q_s32(even, odd)));
  };
  put(0, codes[0].val[0], codes[1].val[0]);
  put(1, codes[2].val[0], codes[3].val[0]);
  put(2, codes[0].val[1], codes[1].val[1]);
  put(3, codes[2].val[1], codes[3].val[1]);
}

/** Sums of codes of R rows and kTileQuarters quarters, by pairs of either; an odd row is paired with itself. */
template <TensorDtype D, int R>
class TileSums {
 public:
  TileSums() {
    for (auto& pair : sums_) for (int32x4_t& sum : pair) sum = vdupq_n_s32(0);
  }

  /** Adds the 16 inputs of a half block. codes: of the tile's first column. */
  void add_half(const int8_t* codes, const QuantBlock* const* a, int half) {
    int8x16_t x[kRowPairs][2];
#pragma GCC unroll 2
    for (int p = 0; p < kRowPairs; p++) {
      const int64x2_t even = inputs(*a[2 * p], half), odd = inputs(*a[2 * p + 1 < R ? 2 * p + 1 : 2 * p], half);
      x[p][0] = vreinterpretq_s8_s64(vzip1q_s64(even, odd));
      x[p][1] = vreinterpretq_s8_s64(vzip2q_s64(even, odd));
    }
#pragma GCC unroll 2
    for (int s = 0; s < 2; s++) {
#pragma GCC unroll 4
      for (size_t c = 0; c < kColumnPairs; c++) {
        const int8x16_t columns = vld1q_s8(codes + 128 * (2 * half + s) + 16 * c);
#pragma GCC unroll 2
        for (int p = 0; p < kRowPairs; p++) sums_[p][c] = vmmlaq_s32(sums_[p][c], x[p][s], columns);
      }
    }
  }

  int32x4_t row(int r, size_t quarter) const {
    const int32x4_t* pair = sums_[r / 2] + 2 * quarter;
    const int64x2_t left = vreinterpretq_s64_s32(pair[0]), right = vreinterpretq_s64_s32(pair[1]);
    return vreinterpretq_s32_s64(r % 2 == 0 ? vzip1q_s64(left, right) : vzip2q_s64(left, right));
  }

 private:
  static constexpr int kRowPairs = (R + 1) / 2, kColumnPairs = 2 * kTileQuarters;

  static int64x2_t inputs(const QuantBlock& a, int half) { return vreinterpretq_s64_s8(vld1q_s8(a.q + 16 * half)); }

  /** The even row's two columns, then the odd row's. */
  int32x4_t sums_[kRowPairs][kColumnPairs];
};

}  // namespace
}  // namespace tandem

#include "kernels/neon_tile_impl.h"

namespace tandem {
const QuantPanels kNeonI8mmQuantPanels = TANDEM_QUANT_PANELS(1, panel_product);
}
#endif
