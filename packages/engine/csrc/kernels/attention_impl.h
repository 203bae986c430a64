// Owns causal attention of one item (some query vectors of one KV head over one KV partition), over the 16-lane vector. An
// online softmax runs over chunks of kKvChunk positions, aligned to position 0, so that a vector's bits depend on its position alone.
#pragma once

#include "kernels/attention_int8_impl.h"
#include "kernels/attention_item_impl.h"
#include "kernels/exp_impl.h"
#include "kernels/tile_impl.h"

namespace tandem {
namespace {

/** scores[q][0 .. count) of positions [begin, begin + count). */
template <KvDtype D>
void gqa_scores(const AttentionParams& params, const ItemShape& shape, const uint8_t* const* groups, size_t num_groups, AttentionWork& work) {
  constexpr size_t step = 16 * kv_element_bytes(D);
  // Blocks lie scattered, and the hardware sees the stream of each only after some misses: the values of the same positions are
  // asked for meanwhile, as many bytes as were read.
  const uint8_t* const* rows = work.value_rows;
  auto load = [&groups, rows](size_t d, size_t g) {
    prefetch(rows[16 * g] + d * step);
    return kv_load_keys<D>(groups[g], d);
  };
  tile_rows(load, num_groups, params.layout.key_dim, {work.queries, params.layout.key_dim, 1}, {work.scores, kKvChunk, false},
            shape.num_queries);
}

/** What a vector may not see becomes minus infinity. */
inline void hide_later(const ItemShape& shape, int64_t begin, size_t num_groups, AttentionWork& work) {
  for (size_t q = 0; q < shape.num_queries; q++) {
    const int64_t visible = shape.position[q] + 1 - begin;
    for (size_t t = visible < 0 ? 0 : static_cast<size_t>(visible); t < 16 * num_groups; t++) work.scores[q * kKvChunk + t] = -__builtin_inff();
  }
}

/** Scores to probabilities, in place; returns what earlier sums of this vector are multiplied by. exp: as f_exp, of what is not above 0. */
template <typename Exp>
inline float gqa_softmax(float* scores, size_t num_groups, float& maximum, float& total, const Exp& exp) {
  F best = f_load(scores);
  for (size_t g = 1; g < num_groups; g++) best = f_max(best, f_load(scores + 16 * g));
  const float chunk_best = f_reduce_max(best);
  const float next = chunk_best > maximum ? chunk_best : maximum;
  alignas(64) float factor[16];
  f_store(factor, f_exp(f_set1(maximum - next)));
  const F shift = f_set1(next);
  F sum = f_zero();
  for (size_t g = 0; g < num_groups; g++) {
    const F p = exp(f_sub(f_load(scores + 16 * g), shift));
    f_store(scores + 16 * g, p);
    sum = f_add(sum, p);
  }
  total = total * factor[0] + f_reduce_add(sum);
  maximum = next;
  return factor[0];
}

inline void scale_sums(float* sums, size_t dim, float factor) {
  if (factor == 1.0f) return;
  const F f = f_set1(factor);
  for (size_t d = 0; d < dim; d += 16) f_store(sums + d, f_mul(f_load(sums + d), f));
}

template <KvDtype D, bool kLatent>
void add_values(const AttentionParams& params, const ItemShape& shape, size_t count, AttentionWork& work) {
  const uint8_t* const* rows = work.value_rows;
  const KvLayout& layout = params.layout;
  constexpr size_t panel_bytes = 16 * kv_element_bytes(D);
  const size_t row_bytes = layout.value_dim * kv_element_bytes(D);
  const uint8_t* const* next_keys = work.next_keys;
  const size_t key_dim = layout.key_dim;
  auto load = [=](size_t t, size_t panel) {
    prefetch(next_keys[t / 16] + t % 16 * row_bytes + panel * panel_bytes);
    if constexpr (kLatent) return kv_load_latent<D>(rows[t], panel * 16, key_dim);
    else return kv_load_value<D>(rows[t], t, panel * 16);
  };
  const TileInput p = kLatent ? TileInput{work.scores, 1, 16} : TileInput{work.scores, kKvChunk, 1};
  tile_rows(load, layout.value_dim / 16, count, p, {work.sums, layout.value_dim, true}, shape.num_queries);
}

/** mla: lanes are query vectors. scores[t][16] of 16 positions at a time, keys decoded once for all vectors. */
template <KvDtype D>
void mla_scores(const AttentionParams& params, const ItemShape& shape, int64_t begin, size_t count, AttentionWork& work) {
  const size_t dim = params.layout.key_dim;
  const float* queries = work.queries;
  auto load = [queries](size_t d, size_t) { return f_load(queries + 16 * d); };
  for (size_t first = 0; first < count; first += 16) {
    const size_t tokens = count - first < 16 ? count - first : 16;
    for (size_t t = 0; t < tokens; t++) {
      const uint8_t* row = work.value_rows[first + t];
      for (size_t d = 0; d < dim; d += 16) f_store(work.keys + t * dim + d, kv_load_latent<D>(row, d, dim));
    }
    tile_rows(load, 1, dim, {work.keys, dim, 1}, {work.scores + first * 16, 16, false}, tokens);
  }
  for (size_t q = 0; q < shape.num_queries; q++) {
    const int64_t visible = shape.position[q] + 1 - begin;
    for (size_t t = visible < 0 ? 0 : static_cast<size_t>(visible); t < count; t++) work.scores[t * 16 + q] = -__builtin_inff();
  }
}

inline void mla_softmax(const ItemShape& shape, size_t count, size_t value_dim, AttentionWork& work) {
  alignas(64) float maximum[16], total[16], factor[16];
  for (size_t q = 0; q < 16; q++) {
    maximum[q] = q < shape.num_queries ? work.maximum[q] : kNoMaximum;
    total[q] = q < shape.num_queries ? work.total[q] : 0;
  }
  F next = f_load(maximum), sum = f_zero();
  for (size_t t = 0; t < count; t++) next = f_max(next, f_load(work.scores + 16 * t));
  for (size_t t = 0; t < count; t++) {
    const F p = f_exp(f_sub(f_load(work.scores + 16 * t), next));
    f_store(work.scores + 16 * t, p);
    sum = f_add(sum, p);
  }
  const F scale = f_exp(f_sub(f_load(maximum), next));
  f_store(total, f_add(f_mul(f_load(total), scale), sum));
  f_store(maximum, next);
  f_store(factor, scale);
  for (size_t q = 0; q < shape.num_queries; q++) {
    work.maximum[q] = maximum[q];
    work.total[q] = total[q];
    scale_sums(work.sums + q * value_dim, value_dim, factor[q]);
  }
}

template <KvDtype D>
void run_mla_chunk(const AttentionParams& params, const AttentionItem& item, const ItemShape& shape, int64_t begin, size_t count,
                   AttentionWork& work) {
  find_rows(params, item, begin, count, work.value_rows);
  mla_scores<D>(params, shape, begin, count, work);
  mla_softmax(shape, count, params.layout.value_dim, work);
  add_values<D, true>(params, shape, count, work);
}

template <KvDtype D>
void run_gqa_chunk(const AttentionParams& params, const AttentionItem& item, const ItemShape& shape, int64_t begin, size_t count,
                   AttentionWork& work) {
  const size_t value_dim = params.layout.value_dim, num_groups = (count + 15) / 16;
  const uint8_t* groups[kKvChunk / 16];
  find_keys(params, item, begin, count, groups);
  if constexpr (D == KvDtype::int8) {
    find_value_groups(params, item, begin, count, work.value_rows);
    int8_scores(params.layout, shape, groups, num_groups, work);
  } else {
    find_rows(params, item, begin, count, work.value_rows);
    gqa_scores<D>(params, shape, groups, num_groups, work);
  }
  hide_later(shape, begin, num_groups, work);
  for (size_t q = 0; q < shape.num_queries; q++) {
    const float factor = gqa_softmax(work.scores + q * kKvChunk, num_groups, work.maximum[q], work.total[q], f_exp);
    scale_sums(work.sums + q * value_dim, value_dim, factor);
  }
  if constexpr (D == KvDtype::int8) int8_add_values(params.layout, shape, count, work);
  else add_values<D, false>(params, shape, count, work);
}

inline void store_normalised(float* out, const float* sums, size_t dim, float total) {
  const F divisor = f_set1(total);
  for (size_t d = 0; d < dim; d += 16) f_store(out + d, f_div(f_load(sums + d), divisor));
}

inline int64_t chunk_end(int64_t begin, int64_t end) {
  const int64_t limit = begin + static_cast<int64_t>(kKvChunk);
  return end < limit ? end : limit;
}

/** Where the thread reads keys after the chunk of `item` that ends at `end`. Without anything to come: what it has just read. */
inline void find_next_keys(const AttentionParams& params, const AttentionItem& item, const ItemShape& shape, int64_t end,
                           const AttentionItem* next, AttentionWork& work) {
  const auto find = [&](const AttentionItem& of, int64_t first, int64_t last) {
    find_keys(params, of, first, static_cast<size_t>(chunk_end(first, last) - first), work.next_keys);
  };
  if (end < shape.kv_end) {
    find(item, end, shape.kv_end);
  } else if (next != nullptr) {
    const ItemShape next_shape = shape_of(params, *next);
    find(*next, next_shape.kv_begin, next_shape.kv_end);
  }
}

/** Runs an item: prepare(shape, work) once its queries are in `work`, run_chunk(shape, begin, count, work) for each chunk. */
template <typename Prepare, typename RunChunk>
inline void run_item(const AttentionParams& params, const AttentionItem& item, const AttentionItem* next, float* scratch, void* workspace,
                     const Prepare& prepare, const RunChunk& run_chunk) {
  const ItemShape shape = shape_of(params, item);
  const size_t value_dim = params.layout.value_dim;
  AttentionWork work(params.layout, workspace);
  load_queries(params, item, shape, work);
  prepare(shape, work);
  for (size_t q = 0; q < shape.num_queries; q++) {
    work.maximum[q] = kNoMaximum;
    work.total[q] = 0;
  }
  for (size_t i = 0; i < shape.num_queries * value_dim; i += 16) f_store(work.sums + i, f_zero());
  for (auto& keys : work.next_keys) keys = params.pool;
  for (int64_t begin = shape.kv_begin, end; begin < shape.kv_end; begin = end) {
    end = chunk_end(begin, shape.kv_end);
    find_next_keys(params, item, shape, end, next, work);
    run_chunk(shape, begin, static_cast<size_t>(end - begin), work);
  }
  for (size_t q = 0; q < shape.num_queries; q++) {
    const float* sums = work.sums + q * value_dim;
    if (item.scratch_offset == kNoPartial) {
      float* out = params.output + vector_offset(params, item.sequence, item.kv_head, item.query_begin + q, params.ld_output, value_dim);
      store_normalised(out, sums, value_dim, work.total[q]);
      continue;
    }
    float* partial = scratch + item.scratch_offset + q * partial_floats(params.layout);
    for (size_t d = 0; d < value_dim; d += 16) f_store(partial + d, f_load(sums + d));
    partial[value_dim] = work.maximum[q];
    partial[value_dim + 1] = work.total[q];
  }
}

void attention_run_impl(const AttentionParams& params, const AttentionItem& item, const AttentionItem* next, float* scratch,
                        void* workspace) {
  with_kv_dtype(params.layout.dtype, [&](auto tag) {
    constexpr KvDtype kDtype = decltype(tag)::value;
    const auto prepare = [&](const ItemShape& shape, AttentionWork& work) {
      if (kDtype == KvDtype::int8 && !params.layout.mla) int8_encode_queries(params.layout, shape, work);
    };
    run_item(params, item, next, scratch, workspace, prepare, [&](const ItemShape& shape, int64_t begin, size_t count, AttentionWork& work) {
      if (params.layout.mla) run_mla_chunk<kDtype>(params, item, shape, begin, count, work);
      else run_gqa_chunk<kDtype>(params, item, shape, begin, count, work);
    });
  });
}

void attention_merge_impl(const AttentionParams& params, const AttentionMerge& merge, const float* scratch) {
  const size_t value_dim = params.layout.value_dim, floats = partial_floats(params.layout);
  const size_t partition_floats = kItemQueries * floats;
  for (size_t q = 0; q < merge.query_end - merge.query_begin; q++) {
    const float* first = scratch + merge.scratch_offset + q * floats;
    float* out = params.output + vector_offset(params, merge.sequence, merge.kv_head, merge.query_begin + q, params.ld_output, value_dim);
    float maximum = kNoMaximum, total = 0;
    for (size_t p = 0; p < merge.num_partitions; p++) {
      const float m = first[p * partition_floats + value_dim];
      if (m > maximum) maximum = m;
    }
    for (size_t d = 0; d < value_dim; d += 16) f_store(out + d, f_zero());
    for (size_t p = 0; p < merge.num_partitions; p++) {
      const float* partial = first + p * partition_floats;
      alignas(64) float factor[16];
      f_store(factor, f_exp(f_set1(partial[value_dim] - maximum)));
      total = __builtin_fmaf(partial[value_dim + 1], factor[0], total);
      const F f = f_set1(factor[0]);
      for (size_t d = 0; d < value_dim; d += 16) f_store(out + d, f_fma(f_load(partial + d), f, f_load(out + d)));
    }
    store_normalised(out, out, value_dim, total);
  }
}

}  // namespace
}  // namespace tandem
