// Owns paged attention: the layout of KV blocks, writing rows into them, and causal attention with an online softmax
// over fixed KV partitions (kKvPartition positions), so that a row's bits do not depend on batch, chunking or threads.
// One kernel serves MHA, GQA, MQA and MFA (kind gqa) and absorbed MLA (kind mla: one shared latent head).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/dtypes.h"

namespace tandem {

constexpr size_t kKvPartition = 512;
/** Key elements of a head in an int8 cache at most. */
constexpr size_t kMaxInt8KeyDim = 1024;

/** Shape of the cache of one layer. block_size is a multiple of 16. */
struct KvLayout {
  KvDtype dtype = KvDtype::f16;
  /** mla: one head; key_dim = kv_lora_rank + rope dim, value = the first value_dim elements of the key. */
  bool mla = false;
  size_t block_size = 16;
  size_t num_kv_heads = 1;
  /** Multiples of 16. */
  size_t key_dim = 0, value_dim = 0;

  /** Bytes of a vector of `dim` elements with its scales. */
  size_t vector_bytes(size_t dim) const { return dim * kv_element_bytes(dtype) + kv_scale_bytes(dtype, dim); }
  /**
   * Bytes of one block of one layer. gqa: keys [head][16-token group][key_dim][16] then values [head][token][value_dim]; mla
   * [token][key_dim].
   * bf16, gqa: in pairs, as tile products take them: keys [head][16-token group][key_dim / 2][16][2], values [head][pair of
   * tokens][value_dim][2].
   * int8, codes then scales: gqa keys [head][16-token group]{[key_dim / 2][16][2], [kKvGroup group][16]}, values [head][16-token
   * group]{[8 pairs of tokens][value_dim][2], [kKvGroup group][16]}; mla [token]{[key_dim], [kKvGroup group]}.
   */
  size_t block_bytes() const {
    const size_t per_token = mla ? vector_bytes(key_dim) : num_kv_heads * (vector_bytes(key_dim) + vector_bytes(value_dim));
    return per_token * block_size;
  }
};

/** Empty when the layout is supported, else the reason. */
const char* check_kv_layout(const KvLayout& layout);

/**
 * Stores one token's key and value. pool: this layer's blocks, block b at pool + b * layout.block_bytes(). slot: block_id *
 * block_size + offset. key [num_kv_heads][key_dim], value [num_kv_heads][value_dim] (ignored for mla).
 */
void kv_write(const KvLayout& layout, uint8_t* pool, size_t slot, const float* key, const float* value);

/** Reads back what kv_write stored, rounded: for tests and KV export. */
void kv_read(const KvLayout& layout, const uint8_t* pool, size_t slot, float* key, float* value);

/** One sequence's rows of a ubatch: query rows [first_row, first_row + num_rows), row r at position start_position + r. */
struct AttentionSequence {
  size_t first_row = 0, num_rows = 0;
  int64_t start_position = 0;
  const int32_t* block_table = nullptr;
};

struct AttentionParams {
  KvLayout layout;
  const uint8_t* pool = nullptr;
  size_t num_heads = 0;
  float scale = 1;
  const AttentionSequence* sequences = nullptr;
  size_t num_sequences = 0;
  /** Row r, head h at queries + r * ld_queries + h * key_dim. */
  const float* queries = nullptr;
  size_t ld_queries = 0;
  /** Row r, head h at output + r * ld_output + h * value_dim. */
  float* output = nullptr;
  size_t ld_output = 0;
};

/** One independent unit: some query vectors of one KV head of one sequence over one KV partition. */
struct AttentionItem {
  uint32_t sequence, kv_head;
  /** Query vectors [query_begin, query_end) of the sequence and KV head; vector v is row v / group, head v % group in the group. */
  uint32_t query_begin, query_end;
  uint32_t partition;
  /** Partials of this item start here in the scratch, in floats; kNoPartial when the item is the only partition. */
  size_t scratch_offset;
};
constexpr size_t kNoPartial = static_cast<size_t>(-1);

/** A query tile with several partitions; merged in partition order after all items ran. */
struct AttentionMerge {
  uint32_t sequence, kv_head, query_begin, query_end, num_partitions;
  size_t scratch_offset;
};

/** How much a plan needs at most; both arrays and the scratch belong to the caller and are reused by all layers of a step. */
struct AttentionPlanSize { size_t num_items = 0, num_merges = 0, scratch_floats = 0; };

/** First pass: sizes. Depends on shapes and positions only, not on data, so one plan serves every layer. */
AttentionPlanSize attention_plan_size(const AttentionParams& params);
/** Second pass: fills items and merges (arrays of at least the sizes above). */
void attention_plan(const AttentionParams& params, AttentionItem* items, AttentionMerge* merges);

/** Bytes of private work space a thread needs for attention_run; allocated once by the caller, 64-byte aligned. */
size_t attention_workspace_bytes(const KvLayout& layout);
/** Runs one item. Items are independent: spread them over threads (dynamic). `next` is what this thread runs afterwards, to fetch its keys
 *  ahead, or null. `scratch` may be null without merges. */
void attention_run(const AttentionParams& params, const AttentionItem& item, const AttentionItem* next, float* scratch, void* workspace);
/** Runs one merge, after every item. */
void attention_merge(const AttentionParams& params, const AttentionMerge& merge, const float* scratch);

}  // namespace tandem
