// Owns the two products of gqa attention over an int8 cache, in integers: queries in 16 bits against keys, and probabilities times the
// values' scales, again in 16 bits, against values. Sums are exact, so their order is free. Included by attention_impl.h.
#pragma once

#include "kernels/attention_item_impl.h"
#include "kernels/tile_impl.h"

namespace tandem {
namespace {

constexpr float kLargest16 = 32767;
// A key's group and a chunk of values are summed in 32 bits.
static_assert(int64_t{kKvGroup} * 32767 * 127 < INT32_MAX && int64_t{kKvChunk} * 32767 * 127 < INT32_MAX, "sums fit 32 bits");

/** 1 / step for codes of numbers up to `largest`; 0 where that could overflow. Writes the step. */
inline F inverse_step(float largest, float* step) {
  *step = largest * (1.0f / kLargest16);
  if (!(*step >= 1e-32f)) *step = 0;
  return *step > 0 ? f_div(f_set1(1.0f), f_set1(*step)) : f_zero();
}

/** The bounds are for rounding, infinities and NaN. */
inline void store_codes(int16_t* codes, F x, F inverse) {
  f_store_i16(codes, f_min(f_max(f_mul(x, inverse), f_set1(-kLargest16)), f_set1(kLargest16)));
}

/** work.queries to work.int8, rotated and by groups as the keys. */
inline void int8_encode_queries(const KvLayout& layout, const ItemShape& shape, AttentionWork& work) {
  const size_t dim = layout.key_dim;
  const float unrotate = 1.0f / static_cast<float>(rotation_width(dim));
  for (size_t q = 0; q < shape.num_queries; q++) {
    float* query = work.queries + q * dim;
    rotate(query, dim, query);
    for_groups(dim, [&](size_t g, size_t d, size_t count) {
      F largest = f_abs(f_load(query + d));
      if (count > 16) largest = f_max(largest, f_abs(f_load(query + d + 16)));
      float step;
      const F inverse = inverse_step(f_reduce_max(largest), &step);
      work.int8.scales[q * kv_groups(dim) + g] = step * unrotate;
      for (size_t i = 0; i < count; i += 16) store_codes(work.int8.codes + q * dim + d + i, f_load(query + d + i), inverse);
    });
  }
}

/** Steps whose codes follow each other at a fixed distance. */
constexpr size_t kRun = 8;

/**
 * sum[r][c] over num_runs * kRun steps of pairs of codes times the pairs of row r; then finish(r, c, sum). Codes of a run's steps lie
 * `stride` bytes apart from codes(run, c) on; ask(run, step, c) asks the memory for what is read later.
 */
template <int R, int C, typename Codes, typename Ask, typename Finish>
inline void dot_tile(const Codes& codes, size_t stride, size_t num_runs, const int16_t* x, size_t row_stride, const Ask& ask,
                     const Finish& finish) {
  I sum[R][C];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) sum[r][c] = i_zero();
  }
  for (size_t run = 0; run < num_runs; run++) {
    const uint8_t* at[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) at[c] = codes(run, static_cast<size_t>(c));
#pragma GCC unroll 8
    for (size_t step = 0; step < kRun; step++, x += 2) {
      Pairs w[C];
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) {
        ask(run, step, static_cast<size_t>(c));
        w[c] = pairs_load_i8(reinterpret_cast<const int8_t*>(at[c] + step * stride));
      }
#pragma GCC unroll 16
      for (int r = 0; r < R; r++) {
        const Pairs pair = pairs_set1(x + static_cast<size_t>(r) * row_stride);
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) sum[r][c] = i_dot(sum[r][c], w[c], pair);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) finish(static_cast<size_t>(r), static_cast<size_t>(c), f_from_i(sum[r][c]));
  }
}

/** scores[q][0 .. 16 * num_groups). groups: the keys of 16 positions each. */
inline void int8_scores(const KvLayout& layout, const ItemShape& shape, const uint8_t* const* groups, size_t num_groups, AttentionWork& work) {
  const size_t dim = layout.key_dim;
  // As in gqa_scores: the values of the same positions are asked for meanwhile.
  const uint8_t* const* values = work.value_rows;
  for (size_t t = 0; t < num_groups; t++) prefetch(values[t] + scale_offset(layout.value_dim, 0, 0));
  for_groups(dim, [&](size_t g, size_t d, size_t count) {
    const size_t first = d * 16;
    for_tiles(num_groups, shape.num_queries, [&]<int R, int C>(size_t row, size_t panel) {
      constexpr size_t kStep = 32;
      const auto codes = [&](size_t run, size_t c) { return groups[panel + c] + first + run * kRun * kStep; };
      const auto ask = [&](size_t run, size_t step, size_t c) {
        if (step % 2 == 0) prefetch(values[panel + c] + first + (run * kRun + step) * kStep);
      };
      const float* query_scale = work.int8.scales + row * kv_groups(dim) + g;
      float* scores = work.scores + row * kKvChunk + panel * 16;
      dot_tile<R, C>(codes, kStep, count / 2 / kRun, work.int8.codes + row * dim + d, dim, ask, [&](size_t r, size_t c, F sum) {
        const F key_scale = f_load_bf16(reinterpret_cast<const uint16_t*>(groups[panel + c] + scale_offset(dim, g, 0)));
        const F scale = f_mul(key_scale, f_set1(query_scale[r * kv_groups(dim)]));
        float* score = scores + r * kKvChunk + 16 * c;
        f_store(score, f_fma(sum, scale, g == 0 ? f_zero() : f_load(score)));
      });
    });
  });
}

/** Probability times scale of one query vector as codes; returns the step. Both inputs [kKvChunk], 16 * num_groups of them used. */
inline float encode_weights(const float* probabilities, const float* scales, size_t num_groups, int16_t* codes) {
  alignas(64) float weights[kKvChunk];
  F largest = f_zero();
  for (size_t g = 0; g < num_groups; g++) {
    const F weight = f_mul(f_load(probabilities + 16 * g), f_load(scales + 16 * g));
    f_store(weights + 16 * g, weight);
    largest = f_max(weight, largest);
  }
  float step;
  const F inverse = inverse_step(f_reduce_max(largest), &step);
  for (size_t g = 0; g < num_groups; g++) {
    f_store_i16(codes + 16 * g, f_min(f_mul(f_load(weights + 16 * g), inverse), f_set1(kLargest16)));
  }
  return step;
}

/** sums[q] += probabilities of `count` positions (in work.scores) times their values. */
inline void int8_add_values(const KvLayout& layout, const ItemShape& shape, size_t count, AttentionWork& work) {
  const size_t dim = layout.value_dim, num_groups = (count + 15) / 16;
  const uint8_t* const* values = work.value_rows;
  const uint8_t* const* next_keys = work.next_keys;
  for (size_t t = 0; t < num_groups; t++) prefetch(next_keys[t] + scale_offset(layout.key_dim, 0, 0));
  alignas(64) float scales[kKvChunk];
  alignas(64) int16_t codes[kItemQueries * kKvChunk];
  float steps[kItemQueries];
  for_groups(dim, [&](size_t g, size_t d, size_t width) {
    for (size_t t = 0; t < num_groups; t++) {
      f_store(scales + 16 * t, f_load_bf16(reinterpret_cast<const uint16_t*>(values[t] + scale_offset(dim, g, 0))));
    }
    // What was never written may be anything, and times 0 as well.
    for (size_t t = count; t < 16 * num_groups; t++) scales[t] = 0;
    for (size_t q = 0; q < shape.num_queries; q++) {
      steps[q] = encode_weights(work.scores + q * kKvChunk, scales, num_groups, codes + q * kKvChunk);
    }
    for_tiles(width / 16, shape.num_queries, [&]<int R, int C>(size_t row, size_t panel) {
      const size_t first = (d + panel * 16) * 2, pair_bytes = dim * 2;
      const auto codes_at = [&](size_t run, size_t c) { return values[run] + first + c * 32; };
      const auto ask = [&](size_t run, size_t step, size_t c) {
        if (c % 2 == 0) prefetch(next_keys[run] + step * pair_bytes + first + c * 32);
      };
      float* sums = work.sums + row * dim + d + panel * 16;
      dot_tile<R, C>(codes_at, pair_bytes, num_groups, codes + row * kKvChunk, kKvChunk, ask, [&](size_t r, size_t c, F sum) {
        float* out = sums + r * dim + 16 * c;
        f_store(out, f_fma(sum, f_set1(steps[row + r]), f_load(out)));
      });
    });
  });
}

}  // namespace
}  // namespace tandem
