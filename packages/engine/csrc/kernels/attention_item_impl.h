// Owns what the ways to run an item share: a thread's private memory, the item's shape, and where its keys and values lie.
#pragma once

#include "kernels/attention_plan.h"
#include "kernels/kv_impl.h"

namespace tandem {
namespace {

/** Stands for minus infinity as a running maximum; finite, so that differences stay numbers. */
constexpr float kNoMaximum = -1e30f;

/** Query vectors in 16 bits, a scale for each group of kKvGroup elements. */
struct Int8Queries {
  int16_t* codes;  // [16][key_dim]
  float* scales;   // [16][kv_groups(key_dim)]
};

/** Private memory of a thread, cut out of its workspace. */
struct AttentionWork {
  float* queries;  // [16][key_dim], scaled; mla: [key_dim][16]
  Int8Queries int8;  // gqa over an int8 cache
  float* scores;   // gqa [16][kKvChunk]; mla [kKvChunk][16]
  float* sums;     // [16][value_dim]
  float* keys;     // mla: [16][key_dim]; else the memory of `int8`, or of queries in bf16
  float maximum[kItemQueries], total[kItemQueries];
  /** Of the chunk's positions: values, or whole rows for mla; of each group of 16 positions: int8, and bf16 in tiles. */
  const uint8_t* value_rows[kKvChunk];
  /** Keys that are read next, by groups of 16 positions: asked for while values are added. */
  const uint8_t* next_keys[kKvChunk / 16];

  AttentionWork(const KvLayout& layout, void* memory) {
    queries = static_cast<float*>(memory);
    scores = queries + kItemQueries * layout.key_dim;
    sums = scores + kItemQueries * kKvChunk;
    keys = sums + kItemQueries * layout.value_dim;
    int8.codes = reinterpret_cast<int16_t*>(keys);
    int8.scales = keys + kItemQueries * layout.key_dim / 2;
  }
};

/** Asks for the line at p. Only as far as the second-level cache: a first-level one has 16 to 24 lines on their way at a time, at the latency
 *  of memory too few for its bandwidth. */
inline void prefetch(const uint8_t* p) { __builtin_prefetch(p, 0, 2); }

struct ItemShape {
  size_t num_queries, group;
  int64_t position[kItemQueries];  // of each query vector
  int64_t kv_begin, kv_end;        // positions of the partition that any vector sees
};

inline ItemShape shape_of(const AttentionParams& params, const AttentionItem& item) {
  ItemShape shape;
  const AttentionSequence& sequence = params.sequences[item.sequence];
  shape.group = params.num_heads / params.layout.num_kv_heads;
  shape.num_queries = item.query_end - item.query_begin;
  for (size_t q = 0; q < shape.num_queries; q++) {
    shape.position[q] = sequence.start_position + static_cast<int64_t>((item.query_begin + q) / shape.group);
  }
  const int64_t visible = shape.position[shape.num_queries - 1] + 1;
  shape.kv_begin = static_cast<int64_t>(item.partition) * static_cast<int64_t>(kKvPartition);
  const int64_t end = shape.kv_begin + static_cast<int64_t>(kKvPartition);
  shape.kv_end = visible < end ? visible : end;
  return shape;
}

/** Address of query or output vector q of an item, in floats. */
inline size_t vector_offset(const AttentionParams& params, uint32_t sequence, uint32_t kv_head, size_t vector, size_t ld, size_t dim) {
  const size_t group = params.num_heads / params.layout.num_kv_heads;
  const size_t row = params.sequences[sequence].first_row + vector / group;
  return row * ld + (kv_head * group + vector % group) * dim;
}

inline void load_queries(const AttentionParams& params, const AttentionItem& item, const ItemShape& shape, AttentionWork& work) {
  const size_t dim = params.layout.key_dim;
  const F scale = f_set1(params.scale);
  for (size_t q = 0; q < kItemQueries; q++) {
    if (q >= shape.num_queries) {
      if (params.layout.mla) for (size_t d = 0; d < dim; d++) work.queries[d * 16 + q] = 0;
      continue;
    }
    const float* query = params.queries + vector_offset(params, item.sequence, item.kv_head, item.query_begin + q, params.ld_queries, dim);
    if (params.layout.mla) {
      for (size_t d = 0; d < dim; d++) work.queries[d * 16 + q] = query[d] * params.scale;
    } else {
      for (size_t d = 0; d < dim; d += 16) f_store(work.queries + q * dim + d, f_mul(f_load(query + d), scale));
    }
  }
}

/** Block of a position, as an address in the pool. */
inline const uint8_t* block_at(const AttentionParams& params, const AttentionItem& item, int64_t position) {
  const size_t idx = static_cast<size_t>(position) / params.layout.block_size;
  return params.pool + static_cast<size_t>(params.sequences[item.sequence].block_table[idx]) * params.layout.block_bytes();
}

/** Addresses of the values of positions [begin, begin + count), as KvAddress has them; mla: of the tokens' whole rows. One division a block,
 *  none a token. */
inline void find_rows(const AttentionParams& params, const AttentionItem& item, int64_t begin, size_t count, const uint8_t** rows) {
  const KvAddress at(params.layout);
  const size_t block_size = params.layout.block_size, step = params.layout.mla ? at.key_bytes : at.value_bytes;
  const size_t first_of = params.layout.mla ? ~size_t{0} : ~(at.values_together - 1);
  size_t offset = static_cast<size_t>(begin) % block_size;
  for (size_t t = 0; t < count; offset = 0) {
    const uint8_t* row = block_at(params, item, begin + static_cast<int64_t>(t)) + at.value(item.kv_head, 0);
    for (; t < count && offset < block_size; t++, offset++) rows[t] = row + (offset & first_of) * step;
  }
}

/** Addresses of parts of the blocks of positions [begin, begin + count), by groups of 16: part(offset) in the block. */
template <typename Part>
inline void find_groups(const AttentionParams& params, const AttentionItem& item, int64_t begin, size_t count, const uint8_t** groups,
                        const Part& part) {
  for (size_t g = 0; g < (count + 15) / 16; g++) {
    const int64_t position = begin + static_cast<int64_t>(16 * g);
    groups[g] = block_at(params, item, position) + part(static_cast<size_t>(position) % params.layout.block_size);
  }
}

/** Addresses of the keys of positions [begin, begin + count), by groups of 16. */
inline void find_keys(const AttentionParams& params, const AttentionItem& item, int64_t begin, size_t count, const uint8_t** groups) {
  const KvAddress at(params.layout);
  find_groups(params, item, begin, count, groups, [&](size_t offset) { return at.key(item.kv_head, offset); });
}

/** Addresses of their values, likewise. */
inline void find_value_groups(const AttentionParams& params, const AttentionItem& item, int64_t begin, size_t count, const uint8_t** groups) {
  const KvAddress at(params.layout);
  find_groups(params, item, begin, count, groups, [&](size_t offset) { return at.value(item.kv_head, offset); });
}

}  // namespace
}  // namespace tandem
