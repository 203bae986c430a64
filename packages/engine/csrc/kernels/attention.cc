#include "kernels/attention.h"

#include "kernels/attention_plan.h"
#include "kernels/kernel_table.h"

namespace tandem {
namespace {

/** Calls visit(sequence, kv_head, query_begin, query_end, num_partitions) for every query tile. */
template <typename Visit>
void for_each_tile(const AttentionParams& params, Visit&& visit) {
  const size_t group = params.num_heads / params.layout.num_kv_heads;
  for (size_t s = 0; s < params.num_sequences; s++) {
    const AttentionSequence& sequence = params.sequences[s];
    const size_t num_vectors = sequence.num_rows * group;
    for (size_t begin = 0; begin < num_vectors; begin += kItemQueries) {
      const size_t end = begin + kItemQueries < num_vectors ? begin + kItemQueries : num_vectors;
      const size_t last_position = static_cast<size_t>(sequence.start_position) + (end - 1) / group;
      for (size_t head = 0; head < params.layout.num_kv_heads; head++) visit(s, head, begin, end, last_position / kKvPartition + 1);
    }
  }
}

}  // namespace

const char* check_kv_layout(const KvLayout& layout) {
  if (layout.block_size == 0 || layout.block_size % 16 != 0) return "the KV block size is not a multiple of 16";
  if (layout.key_dim == 0 || layout.key_dim % 16 != 0 || layout.value_dim == 0 || layout.value_dim % 16 != 0) {
    return "a head dimension is not a multiple of 16";
  }
  if (layout.dtype == KvDtype::int8 && !layout.mla && layout.key_dim > kMaxInt8KeyDim) return "a key head is larger than an int8 cache takes";
  if (layout.num_kv_heads == 0) return "there is no KV head";
  if (layout.mla && (layout.num_kv_heads != 1 || layout.value_dim > layout.key_dim)) return "a latent cache has one head, its value inside its key";
  return nullptr;
}

void kv_write(const KvLayout& layout, uint8_t* pool, size_t slot, const float* key, const float* value) {
  kernels().kv_write(layout, pool, slot, key, value);
}

void kv_read(const KvLayout& layout, const uint8_t* pool, size_t slot, float* key, float* value) {
  kernels().kv_read(layout, pool, slot, key, value);
}

AttentionPlanSize attention_plan_size(const AttentionParams& params) {
  AttentionPlanSize size;
  for_each_tile(params, [&](size_t, size_t, size_t, size_t, size_t num_partitions) {
    size.num_items += num_partitions;
    if (num_partitions == 1) return;
    size.num_merges++;
    size.scratch_floats += num_partitions * kItemQueries * partial_floats(params.layout);
  });
  return size;
}

void attention_plan(const AttentionParams& params, AttentionItem* items, AttentionMerge* merges) {
  size_t scratch_offset = 0;
  for_each_tile(params, [&](size_t sequence, size_t head, size_t begin, size_t end, size_t num_partitions) {
    const auto u32 = [](size_t value) { return static_cast<uint32_t>(value); };
    if (num_partitions > 1) {
      *merges++ = {u32(sequence), u32(head), u32(begin), u32(end), u32(num_partitions), scratch_offset};
    }
    for (size_t p = 0; p < num_partitions; p++) {
      *items++ = {u32(sequence), u32(head), u32(begin), u32(end), u32(p), num_partitions > 1 ? scratch_offset : kNoPartial};
      if (num_partitions > 1) scratch_offset += kItemQueries * partial_floats(params.layout);
    }
  });
}

size_t attention_workspace_bytes(const KvLayout& layout) {
  // For mla, keys as numbers; for int8, queries as codes with their scales; for bf16, queries in bf16.
  const bool more = layout.mla || layout.dtype == KvDtype::int8 || layout.dtype == KvDtype::bf16;
  const size_t floats = kItemQueries * (layout.key_dim + kKvChunk + layout.value_dim + (more ? layout.key_dim : 0));
  return floats * sizeof(float);
}

void attention_run(const AttentionParams& params, const AttentionItem& item, const AttentionItem* next, float* scratch, void* workspace) {
  kernels().attention_run(params, item, next, scratch, workspace);
}

void attention_merge(const AttentionParams& params, const AttentionMerge& merge, const float* scratch) {
  kernels().attention_merge(params, merge, scratch);
}

}  // namespace tandem
