// Owns the panel product of several rows on NEON: up to kChunk blocks are unpacked into the first-level cache, then all rows use them,
// kRows rows and kTileQuarters quarters at a time. TileSums, store_codes and the order of codes come from what was included before.
#pragma once

#include "kernels/neon_dot_impl.h"
#include "kernels/quant_panels.h"

namespace tandem {
namespace {

constexpr size_t kRows = 4, kTileColumns = 4 * kTileQuarters;
/** Blocks unpacked at once: 11 KB. */
constexpr size_t kChunk = 16;

struct alignas(64) Block {
  int8_t codes[512];
  /** Scales as in Scales. */
  float first[16], second[16];
  float weight_sum[16];
};

/** What a tile works on: unpacked blocks and the panel they come from. */
struct Chunk {
  const Block* blocks;
  const QuantPanel& panel;
  size_t first_block, num_blocks;

  template <TensorDtype D>
  const int8_t* codes(size_t b) const {
    return kInPlace<D> ? reinterpret_cast<const int8_t*>(panel.codes) + 512 * (first_block + b) : blocks[b].codes;
  }
};

template <TensorDtype D>
inline void unpack(const QuantPanel& panel, size_t b, Block& block) {
  for (size_t quarter = 0; quarter < kQuarters; quarter++) {
    const int8x16x2_t codes[4] = {load_codes<D, 0>(panel, b, quarter), load_codes<D, 1>(panel, b, quarter),
                                  load_codes<D, 2>(panel, b, quarter), load_codes<D, 3>(panel, b, quarter)};
    if constexpr (!kInPlace<D>) store_codes(codes, quarter, block.codes);
    WeightSum sum;
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) sum.add(codes[v]);
    const Scales scales = load_scales<D>(panel, b, quarter);
    vst1q_f32(block.first + 4 * quarter, scales.first);
    vst1q_f32(block.second + 4 * quarter, scales.second);
    vst1q_f32(block.weight_sum + 4 * quarter, sum.scaled<D>(scales));
  }
}

template <TensorDtype D, int R>
inline void add_sums(const TileSums<D, R>& sums, const float* scale, const QuantBlock* const* a, float32x4_t (*out)[kTileQuarters]) {
#pragma GCC unroll 2
  for (size_t c = 0; c < kTileQuarters; c++) {
    const float32x4_t weight_scale = vld1q_f32(scale + 4 * c);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) out[r][c] = add_scaled(out[r][c], sums.row(r, c), weight_scale, *a[r]);
  }
}

/** One block times R rows. */
template <TensorDtype D, int R>
inline void add_block(const Block& block, const int8_t* codes, size_t column, const QuantBlock* const* a, float32x4_t (*out)[kTileQuarters]) {
  TileSums<D, R> sums;
  sums.add_half(codes, a, 0);
  if constexpr (D == TensorDtype::q6_k) {
    add_sums(sums, block.first + column, a, out);
    TileSums<D, R> high;
    high.add_half(codes, a, 1);
    add_sums(high, block.second + column, a, out);
  } else {
    sums.add_half(codes, a, 1);
    add_sums(sums, block.first + column, a, out);
  }
#pragma GCC unroll 2
  for (size_t c = 0; c < kTileQuarters; c++) {
    const float32x4_t minimum = vld1q_f32(block.second + column + 4 * c), weight_sum = vld1q_f32(block.weight_sum + column + 4 * c);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) out[r][c] = add_constants<D>(out[r][c], minimum, weight_sum, *a[r]);
  }
}

/** R rows x kTileColumns columns from `column` on: adds to out[R][16]. */
template <TensorDtype D, int R>
[[gnu::noinline]] void tile(const Chunk& chunk, const QuantBlock* x, size_t stride, float* out, size_t column, PrefetchTurn prefetch) {
  float32x4_t sum[R][kTileQuarters];
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (size_t c = 0; c < kTileQuarters; c++) sum[r][c] = vld1q_f32(out + 16 * r + column + 4 * c);
  }
  for (size_t b = 0; b < chunk.num_blocks; b++) {
    if (prefetch.due()) prefetch_next<D>(chunk.panel, chunk.first_block + b);
    const QuantBlock* a[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) a[r] = x + static_cast<size_t>(r) * stride + b;
    add_block<D, R>(chunk.blocks[b], chunk.codes<D>(b) + kColumnBytes * column, column, a, sum);
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (size_t c = 0; c < kTileQuarters; c++) vst1q_f32(out + 16 * r + column + 4 * c, sum[r][c]);
  }
}

template <TensorDtype D>
inline void all_rows(const Chunk& chunk, const QuantBlock* x, size_t stride, size_t num_rows, float* out) {
  PrefetchTurn prefetch = {0, 1};
  auto run = [&](auto rows_tile, size_t rows) {
    for (size_t column = 0; column < kPanel; column += kTileColumns) {
      rows_tile(chunk, x, stride, out, column, prefetch);
      prefetch = kNoPrefetch;
    }
    x += rows * stride;
    out += rows * kPanel;
    num_rows -= rows;
  };
  while (num_rows >= kRows) run(tile<D, kRows>, kRows);
  if (num_rows == 3) run(tile<D, 3>, 3);
  if (num_rows == 2) run(tile<D, 2>, 2);
  if (num_rows == 1) run(tile<D, 1>, 1);
}

template <TensorDtype D>
void panel_product(const QuantPanel& panel, size_t, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride,
                   size_t num_rows, float* out) {
  if (num_rows == 1) return one_row_product<D>(panel, block_begin, block_end, x, out);
  Block blocks[kChunk];
  for (size_t i = 0; i < kPanel * num_rows; i += 4) vst1q_f32(out + i, vdupq_n_f32(0));
  for (size_t begin = block_begin; begin < block_end; begin += kChunk) {
    const size_t count = block_end - begin < kChunk ? block_end - begin : kChunk;
    for (size_t b = 0; b < count; b++) unpack<D>(panel, begin + b, blocks[b]);
    all_rows<D>({blocks, panel, begin, count}, x + begin, stride, num_rows, out);
  }
}

}  // namespace
}  // namespace tandem
