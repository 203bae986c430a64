// Owns sums of codes over several rows by Dot, one row at a time, and the order of unpacked codes it reads: that of a panel. Included
// before neon_tile_impl.h. Internal to the NEON quant panels.
#pragma once

#include "kernels/neon_dot_impl.h"

namespace tandem {
namespace {

#if defined(__ARM_FEATURE_DOTPROD)
/** For four rows 8 sums of codes, 8 of floats and 4 registers of inputs. */
constexpr size_t kTileQuarters = 2;
#else
/** A sum of codes takes two registers here, four for Q8_0. */
constexpr size_t kTileQuarters = 1;
#endif

/** Codes are a panel's own: Q8_0 needs no copy. */
template <TensorDtype D>
constexpr bool kInPlace = D == TensorDtype::q8_0;
/** From a column's codes of a group to the next column's. */
constexpr size_t kColumnBytes = 4;

/** Group g of a quarter goes to 64 * g. */
inline void store_codes(const int8x16x2_t* codes, size_t quarter, int8_t* to) {
  to += 16 * quarter;
  for (int v = 0; v < 4; v++) {
    vst1q_s8(to + 64 * v, codes[v].val[0]);
    vst1q_s8(to + 64 * (v + 4), codes[v].val[1]);
  }
}

/** Sums of codes of R rows and kTileQuarters quarters. */
template <TensorDtype D, int R>
class TileSums {
 public:
  /** Adds the four groups of a half block. codes: of the tile's first column. */
  void add_half(const int8_t* codes, const QuantBlock* const* a, int half) {
    int8x16_t x[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) x[r] = vld1q_s8(a[r]->q + 16 * half);
    codes += 256 * half;
    add_group<0>(codes, x);
    add_group<1>(codes, x);
    add_group<2>(codes, x);
    add_group<3>(codes, x);
  }
  int32x4_t row(int r, size_t quarter) const { return dots_[r][quarter].total(); }

 private:
  template <int kLane>
  void add_group(const int8_t* codes, const int8x16_t* x) {
#pragma GCC unroll 2
    for (size_t c = 0; c < kTileQuarters; c++) {
      const int8x16_t four_columns = vld1q_s8(codes + 64 * kLane + 16 * c);
#pragma GCC unroll 4
      for (int r = 0; r < R; r++) dots_[r][c].template add<kLane>(four_columns, x[r]);
    }
  }

  Dot<D> dots_[R][kTileQuarters];
};

}  // namespace
}  // namespace tandem
