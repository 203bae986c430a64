// Owns the product of quantised panels with 256-bit vectors: all rows use the blocks that were unpacked, kRows at a time and 8 columns per
// register. dot_rows, kRows and kUnsignedQ8_0 come from what was included before.
#pragma once

#include "kernels/avx2_block_impl.h"
#include "kernels/quant_panels.h"

namespace tandem {
namespace {

constexpr size_t kChunk = 16;

inline __m256 add_scaled(__m256i dot, __m256 weight_scale, float x_scale, __m256 sum) {
  return _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(weight_scale, _mm256_set1_ps(x_scale)), sum);
}

/** What a tile works on: decoded blocks, of which Q8_0 codes are read in place, and the panel they come from. */
struct Chunk {
  const UnpackedBlock* blocks;
  const uint8_t (*in_place)[8][64];
  size_t num_blocks, first_block;
  const QuantPanel& panel;
};

/** R rows x 8 columns. */
template <TensorDtype D, int R>
[[gnu::noinline]] void tile(const Chunk& chunk, const QuantBlock* x, size_t stride, float* out, size_t column, PrefetchTurn prefetch) {
  __m256 sum[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) sum[r] = _mm256_loadu_ps(out + 16 * r + column);
  for (size_t b = 0; b < chunk.num_blocks; b++) {
    const UnpackedBlock& block = chunk.blocks[b];
    if (prefetch.due()) prefetch_next<D>(chunk.panel, chunk.first_block + b);
    const QuantBlock* a[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) a[r] = x + static_cast<size_t>(r) * stride + b;
    const uint8_t* base = (D == TensorDtype::q8_0 ? chunk.in_place[b][0] : block.codes[0]) + 4 * column;
    const auto* codes = reinterpret_cast<const uint8_t(*)[64]>(base);
    const __m256 scale = _mm256_load_ps(block.scale + column), second = _mm256_load_ps(block.second + column);
    __m256i dot[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) dot[r] = D == TensorDtype::q8_0 && !kUnsignedQ8_0 ? _mm256_setzero_si256() : dot_start<D>(*a[r]);
    if constexpr (D == TensorDtype::q6_k) {
      dot_rows<D, R, 0, 4>(codes, a, dot);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        sum[r] = add_scaled(dot[r], scale, a[r]->scale, sum[r]);
        dot[r] = dot_start<D, true>(*a[r]);
      }
      dot_rows<D, R, 4, 8>(codes, a, dot);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) sum[r] = add_scaled(dot[r], second, a[r]->scale, sum[r]);
    } else {
      dot_rows<D, R, 0, 8>(codes, a, dot);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        sum[r] = add_scaled(dot[r], scale, a[r]->scale, sum[r]);
        if constexpr (has_minimum(D)) sum[r] = _mm256_fmadd_ps(second, _mm256_set1_ps(a[r]->scaled_sum), sum[r]);
      }
    }
    const __m256 weight_sum = _mm256_load_ps(block.weight_sum + column);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) sum[r] = _mm256_fmadd_ps(weight_sum, _mm256_set1_ps(a[r]->scaled_zero), sum[r]);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) _mm256_storeu_ps(out + 16 * r + column, sum[r]);
}

template <TensorDtype D>
void panel_product(const QuantPanel& panel, size_t, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride,
                   size_t num_rows, float* out) {
  UnpackedBlock blocks[kChunk];
  for (size_t i = 0; i < 16 * num_rows; i += 8) _mm256_storeu_ps(out + i, _mm256_setzero_ps());
  for (size_t begin = block_begin; begin < block_end; begin += kChunk) {
    const size_t count = block_end - begin < kChunk ? block_end - begin : kChunk;
    const Chunk chunk = {blocks, reinterpret_cast<const uint8_t(*)[8][64]>(panel.codes) + begin, count, begin, panel};
    for (size_t b = 0; b < count; b++) {
      if constexpr (D != TensorDtype::q8_0) decode_codes<D>(panel, begin + b, blocks[b]);
      decode_scales<D>(panel, begin + b, blocks[b]);
      sum_weights<D>(D == TensorDtype::q8_0 ? chunk.in_place[b] : blocks[b].codes, blocks[b]);
    }
    size_t row = 0;
    PrefetchTurn prefetch = {0, 1};
    auto run = [&](auto rows_tile, size_t rows) {
      for (size_t column = 0; column < 16; column += 8) {
        rows_tile(chunk, x + row * stride + begin, stride, out + 16 * row, column, prefetch);
        prefetch = kNoPrefetch;
      }
      row += rows;
    };
    while (num_rows - row >= kRows) run(tile<D, kRows>, kRows);
    if (num_rows - row >= 4) run(tile<D, 4>, 4);
    if (num_rows - row >= 2) run(tile<D, 2>, 2);
    if (num_rows - row >= 1) run(tile<D, 1>, 1);
  }
}

}  // namespace
}  // namespace tandem
