// Owns the register tile shared by float products and attention: out[r][16 * c ..] (+)= sum over k of x[r][k] * w(k, c), written
// once over the 16-lane vector. Every element is one chain of fused multiply-adds in ascending k, whatever the tile.
#pragma once

#include <cstddef>

namespace tandem {
namespace {

/** Where a tile's scalars come from: row r, step k at values[r * row_stride + k * step_stride]. */
struct TileInput {
  const float* values;
  size_t row_stride, step_stride;
};
struct TileOutput {
  float* values;
  size_t row_stride;
  bool accumulate;
};

template <int R, int C, typename Load>
inline void register_tile(const Load& load, size_t panel, size_t num_steps, const TileInput& x, const TileOutput& out) {
  F sum[R][C];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) {
      sum[r][c] = out.accumulate ? f_load(out.values + static_cast<size_t>(r) * out.row_stride + 16 * (panel + c)) : f_zero();
    }
  }
  const float* step = x.values;
  for (size_t k = 0; k < num_steps; k++, step += x.step_stride) {
    F w[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) w[c] = load(k, panel + c);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const F scalar = f_set1(step[static_cast<size_t>(r) * x.row_stride]);
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) sum[r][c] = f_fma(scalar, w[c], sum[r][c]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) f_store(out.values + static_cast<size_t>(r) * out.row_stride + 16 * (panel + c), sum[r][c]);
  }
}

/** All panels of R rows, C at a time. */
template <int R, typename Load>
inline void tile_panels(const Load& load, size_t num_panels, size_t num_steps, const TileInput& x, const TileOutput& out) {
  // R * C sums and C weights stay in registers; C divides the panels of a group.
  constexpr int kFit = kTileVectors / (R + 1);
  constexpr int C = kFit < 1 ? 1 : kFit > 4 ? 4 : kFit == 3 ? 2 : kFit;
  size_t panel = 0;
  for (; panel + C <= num_panels; panel += C) register_tile<R, C>(load, panel, num_steps, x, out);
  for (; panel < num_panels; panel++) register_tile<R, 1>(load, panel, num_steps, x, out);
}

template <typename Load>
inline void tile_rows(const Load& load, size_t num_panels, size_t num_steps, TileInput x, TileOutput out, size_t num_rows) {
  auto advance = [&](size_t rows) {
    x.values += rows * x.row_stride;
    out.values += rows * out.row_stride;
    num_rows -= rows;
  };
  if constexpr (kFloatTileRows > 8) {
    // With eight rows, panels share each broadcast; sixteen rows are for a single panel.
    if (num_panels == 1) {
      for (; num_rows >= kFloatTileRows; advance(kFloatTileRows)) tile_panels<kFloatTileRows>(load, num_panels, num_steps, x, out);
    }
    for (; num_rows >= 8; advance(8)) tile_panels<8>(load, num_panels, num_steps, x, out);
  } else {
    for (; num_rows >= kFloatTileRows; advance(kFloatTileRows)) tile_panels<kFloatTileRows>(load, num_panels, num_steps, x, out);
  }
  if (num_rows >= 4) { tile_panels<4>(load, num_panels, num_steps, x, out); advance(4); }
  if (num_rows == 3) { tile_panels<3>(load, num_panels, num_steps, x, out); advance(3); }
  if (num_rows >= 2) { tile_panels<2>(load, num_panels, num_steps, x, out); advance(2); }
  if (num_rows >= 1) tile_panels<1>(load, num_panels, num_steps, x, out);
}

}  // namespace
}  // namespace tandem
