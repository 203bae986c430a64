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

/** All panels of R rows from `row` on, C at a time. */
template <int R, typename Tile>
inline void tile_panels(const Tile& tile, size_t num_panels, size_t row) {
  // R * C sums and C weights stay in registers; C divides the panels of a group.
  constexpr int kFit = kTileVectors / (R + 1);
  constexpr int C = kFit < 1 ? 1 : kFit > 4 ? 4 : kFit == 3 ? 2 : kFit;
  size_t panel = 0;
  for (; panel + C <= num_panels; panel += C) tile.template operator()<R, C>(row, panel);
  if constexpr (C > 2) {
    if (panel + 2 <= num_panels) { tile.template operator()<R, 2>(row, panel); panel += 2; }
  }
  for (; panel < num_panels; panel++) tile.template operator()<R, 1>(row, panel);
}

/** Cuts num_rows x num_panels into tiles that fit the registers: tile.operator()<rows, panels>(first row, first panel). */
template <typename Tile>
inline void for_tiles(size_t num_panels, size_t num_rows, const Tile& tile) {
  size_t row = 0;
  if constexpr (kFloatTileRows > 8) {
    // With eight rows, panels share each broadcast; sixteen rows are for a single panel.
    if (num_panels == 1) {
      for (; row + kFloatTileRows <= num_rows; row += kFloatTileRows) tile_panels<kFloatTileRows>(tile, num_panels, row);
    }
    for (; row + 8 <= num_rows; row += 8) tile_panels<8>(tile, num_panels, row);
  } else {
    for (; row + kFloatTileRows <= num_rows; row += kFloatTileRows) tile_panels<kFloatTileRows>(tile, num_panels, row);
  }
  if (row + 4 <= num_rows) { tile_panels<4>(tile, num_panels, row); row += 4; }
  if (row + 3 == num_rows) { tile_panels<3>(tile, num_panels, row); row += 3; }
  if (row + 2 <= num_rows) { tile_panels<2>(tile, num_panels, row); row += 2; }
  if (row + 1 <= num_rows) tile_panels<1>(tile, num_panels, row);
}

template <typename Load>
inline void tile_rows(const Load& load, size_t num_panels, size_t num_steps, const TileInput& x, const TileOutput& out, size_t num_rows) {
  for_tiles(num_panels, num_rows, [&]<int R, int C>(size_t row, size_t panel) {
    register_tile<R, C>(load, panel, num_steps, {x.values + row * x.row_stride, x.row_stride, x.step_stride},
                        {out.values + row * out.row_stride, out.row_stride, out.accumulate});
  });
}

}  // namespace
}  // namespace tandem
