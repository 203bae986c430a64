// Owns the product of quantised panels with 256-bit vectors: all rows use the blocks that were unpacked, a tile at a time. dot_rows,
// kRows and kVectors of a tile and kUnsignedQ8_0 come from what was included before, and kSplitRows: from so many rows on Q8_0 codes are
// split; 0: never.
#pragma once

#include "kernels/avx2_block_impl.h"
#include "kernels/quant_panels.h"

namespace tandem {
namespace {

constexpr size_t kChunk = 16;

/** Sums of a tile, out[16 * r + 8 * v ..]. */
template <int R, int V>
using Sums = __m256[R][V];
/** Whether they lie in memory from block to block: in wide tiles 16-bit sums have the registers. */
template <int V>
constexpr bool kInMemory = V > 1;

/** Ends a step: compilers would otherwise finish one row after the other, and each is a chain of dependent instructions. */
template <int R, int V>
inline void end_step(Sums<R, V>& sum) {
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    for (int v = 0; v < V; v++) asm("" : "+x"(sum[r][v]));
  }
}

/** sum += dot * scale[8 * v ..] * the row's scale. */
template <int R, int V>
inline void add_scaled(const __m256i (&dot)[R][V], const float* scale, const QuantBlock* const* a, const float* out, Sums<R, V>& sum) {
  __m256 value[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    for (int v = 0; v < V; v++) value[r][v] = _mm256_cvtepi32_ps(dot[r][v]);
  }
  end_step(value);
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    const __m256 x_scale = _mm256_set1_ps(a[r]->scale);
    for (int v = 0; v < V; v++) {
      const __m256 before = kInMemory<V> ? _mm256_loadu_ps(out + 16 * r + 8 * v) : sum[r][v];
      sum[r][v] = _mm256_fmadd_ps(value[r][v], _mm256_mul_ps(_mm256_load_ps(scale + 8 * v), x_scale), before);
    }
  }
  end_step(sum);
}

/** sum += factor[8 * v ..] * the row's member. */
template <int R, int V>
inline void add_product(const float* factor, const QuantBlock* const* a, float QuantBlock::*member, Sums<R, V>& sum) {
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    const __m256 x = _mm256_set1_ps(a[r]->*member);
    for (int v = 0; v < V; v++) sum[r][v] = _mm256_fmadd_ps(_mm256_load_ps(factor + 8 * v), x, sum[r][v]);
  }
  end_step(sum);
}

template <int R, int V>
inline void load(const float* out, Sums<R, V>& sum) {
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    for (int v = 0; v < V; v++) sum[r][v] = _mm256_loadu_ps(out + 16 * r + 8 * v);
  }
}

template <int R, int V>
inline void store(const Sums<R, V>& sum, float* out) {
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    for (int v = 0; v < V; v++) _mm256_storeu_ps(out + 16 * r + 8 * v, sum[r][v]);
  }
  // GCC would carry them over to the next block after all, on the stack.
  if constexpr (kInMemory<V>) asm volatile("" ::: "memory");
}

/** What a tile works on: decoded blocks and the panel they come from. Q8_0 codes are read in place, or the upper halves of all codes are here. */
struct Chunk {
  const UnpackedBlock* blocks;
  const Codes* in_place;
  const Codes* upper;
  size_t num_blocks, first_block;
  const QuantPanel& panel;
};

/** R rows x 8 * V columns. */
template <TensorDtype D, int R, int V, bool kSplit>
[[gnu::noinline]] void tile(const Chunk& chunk, const QuantBlock* x, size_t stride, float* out, size_t column, PrefetchTurn prefetch) {
  out += column;
  Sums<R, V> sum;
  if constexpr (!kInMemory<V>) load(out, sum);
  for (size_t b = 0; b < chunk.num_blocks; b++) {
    const UnpackedBlock& block = chunk.blocks[b];
    if (prefetch.due()) prefetch_next<D>(chunk.panel, chunk.first_block + b);
    const QuantBlock* a[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) a[r] = x + static_cast<size_t>(r) * stride + b;
    const auto from_column = [column](const Codes& codes) { return reinterpret_cast<const uint8_t(*)[64]>(codes[0] + 4 * column); };
    const uint8_t(*codes)[64] = from_column(D == TensorDtype::q8_0 && !kSplit ? chunk.in_place[b] : block.codes);
    const float *scale = block.scale + column, *second = block.second + column, *weight_sum = block.weight_sum + column;
    __m256i dot[R][V];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      for (int v = 0; v < V; v++) dot[r][v] = D == TensorDtype::q8_0 && !kUnsignedQ8_0 && !kSplit ? _mm256_setzero_si256() : dot_start<D>(*a[r]);
    }
    if constexpr (D == TensorDtype::q6_k) {
      dot_rows<D, R, V, 0, 4>(codes, a, dot);
      add_scaled(dot, scale, a, out, sum);
      if constexpr (kInMemory<V>) store(sum, out);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        for (int v = 0; v < V; v++) dot[r][v] = dot_start<D, true>(*a[r]);
      }
      dot_rows<D, R, V, 4, 8>(codes, a, dot);
    } else if constexpr (kSplit) {
      dot_rows<TensorDtype::q4_1, R, V, 0, 8, 16>(from_column(chunk.upper[b]), a, dot);
      // Broadcast again: there are no registers to keep them in.
      for (int r = 0; r < R; r++) asm("" : "+r"(a[r]));
      dot_rows<TensorDtype::q4_1, R, V, 0, 8>(codes, a, dot);
    } else {
      dot_rows<D, R, V, 0, 8>(codes, a, dot);
    }
    add_scaled(dot, D == TensorDtype::q6_k ? second : scale, a, out, sum);
    if constexpr (has_minimum(D)) add_product(second, a, &QuantBlock::scaled_sum, sum);
    add_product(weight_sum, a, &QuantBlock::scaled_zero, sum);
    if constexpr (kInMemory<V>) store(sum, out);
  }
  if constexpr (!kInMemory<V>) store(sum, out);
}

template <TensorDtype D, bool kSplit>
void product(const QuantPanel& panel, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride, size_t num_rows, float* out) {
  UnpackedBlock blocks[kChunk];
  alignas(64) Codes upper[kSplit ? kChunk : 1];
  for (size_t i = 0; i < 16 * num_rows; i += 8) _mm256_storeu_ps(out + i, _mm256_setzero_ps());
  for (size_t begin = block_begin; begin < block_end; begin += kChunk) {
    const size_t count = block_end - begin < kChunk ? block_end - begin : kChunk;
    const Chunk chunk = {blocks, reinterpret_cast<const Codes*>(panel.codes) + begin, upper, count, begin, panel};
    for (size_t b = 0; b < count; b++) {
      decode_block<D, kSplit>(panel, begin + b, blocks[b], upper[kSplit ? b : 0]);
    }
    size_t row = 0;
    PrefetchTurn prefetch = {0, 1};
    constexpr int R = kRows<D, kSplit>, V = kVectors<D, kSplit>;
    auto run = [&](auto rows_tile, size_t rows) {
      for (size_t column = 0; column < 16; column += 8 * V) {
        rows_tile(chunk, x + row * stride + begin, stride, out + 16 * row, column, prefetch);
        prefetch = kNoPrefetch;
      }
      row += rows;
    };
    while (num_rows - row >= R) run(tile<D, R, V, kSplit>, R);
    if constexpr (R > 4) {
      if (num_rows - row >= 4) run(tile<D, 4, V, kSplit>, 4);
    }
    if (num_rows - row >= 2) run(tile<D, 2, V, kSplit>, 2);
    if (num_rows - row >= 1) run(tile<D, 1, V, kSplit>, 1);
  }
}

template <TensorDtype D>
void panel_product(const QuantPanel& panel, size_t, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride,
                   size_t num_rows, float* out) {
  if constexpr (D == TensorDtype::q8_0 && kSplitRows > 0) {
    if (num_rows >= kSplitRows) return product<D, true>(panel, block_begin, block_end, x, stride, num_rows, out);
  }
  product<D, false>(panel, block_begin, block_end, x, stride, num_rows, out);
}

}  // namespace
}  // namespace tandem
