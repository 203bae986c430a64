// Attention over caches of exactly the blocks in use, items spread over threads.
#include <cmath>
#include <cstdlib>
#include <memory>

#include "kernels/attention.h"
#include "test/self_test/self_test.h"
#include "threads/thread_pool.h"

namespace tandem::self_test {
namespace {

struct Free { void operator()(void* p) const { std::free(p); } };

void check_attention(const KvLayout& layout, size_t num_heads, size_t num_rows, size_t context, ThreadPool& pool, Random& random, Results& results) {
  CHECK(check_kv_layout(layout) == nullptr);
  const size_t num_blocks = (context + layout.block_size - 1) / layout.block_size;
  std::vector<uint8_t> cache(num_blocks * layout.block_bytes());
  std::vector<int32_t> table(num_blocks);
  for (size_t i = 0; i < num_blocks; i++) table[i] = static_cast<int32_t>(num_blocks - 1 - i);
  for (size_t p = 0; p < context; p++) {
    const auto key = random.floats(layout.num_kv_heads * layout.key_dim), value = random.floats(layout.num_kv_heads * layout.value_dim);
    const size_t slot = static_cast<size_t>(table[p / layout.block_size]) * layout.block_size + p % layout.block_size;
    kv_write(layout, cache.data(), slot, key.data(), layout.mla ? nullptr : value.data());
  }
  const AttentionSequence sequence{0, num_rows, static_cast<int64_t>(context - num_rows), table.data()};
  AttentionParams params;
  params.layout = layout;
  params.pool = cache.data();
  params.num_heads = num_heads;
  params.sequences = &sequence;
  params.num_sequences = 1;
  const auto queries = random.floats(num_rows * num_heads * layout.key_dim);
  std::vector<float> output(num_rows * num_heads * layout.value_dim);
  params.queries = queries.data();
  params.ld_queries = num_heads * layout.key_dim;
  params.output = output.data();
  params.ld_output = num_heads * layout.value_dim;
  const AttentionPlanSize size = attention_plan_size(params);
  std::vector<AttentionItem> items(size.num_items);
  std::vector<AttentionMerge> merges(size.num_merges);
  std::vector<float> scratch(size.scratch_floats);
  attention_plan(params, items.data(), merges.data());
  std::vector<std::unique_ptr<void, Free>> workspaces;
  for (int i = 0; i < pool.num_threads(); i++) workspaces.emplace_back(std::aligned_alloc(64, (attention_workspace_bytes(layout) + 63) / 64 * 64));
  pool.parallel_for(items.size(), 1, [&](size_t begin, size_t end, int thread) {
    for (size_t i = begin; i < end; i++) attention_run(params, items[i], i + 1 < end ? &items[i + 1] : nullptr, scratch.data(), workspaces[static_cast<size_t>(thread)].get());
  });
  pool.parallel_for(merges.size(), 1, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; i++) attention_merge(params, merges[i], scratch.data());
  });
  for (const float value : output) CHECK(std::isfinite(value));
  results.add(output);
}

}  // namespace

void test_attention(Results& results) {
  Random random(3);
  ThreadPool pool({3, Pinning::never, 0});
  for (const KvDtype dtype : {KvDtype::f32, KvDtype::f16, KvDtype::bf16, KvDtype::fp8, KvDtype::int8}) {
    check_attention({dtype, false, 16, 3, 16, 32}, 9, 5, 37, pool, random, results);
    check_attention({dtype, false, 32, 1, 32, 16}, 20, 1, 1, pool, random, results);
    check_attention({dtype, true, 16, 1, 48, 32}, 18, 3, 130, pool, random, results);
  }
  check_attention({KvDtype::f16, false, 16, 1, 16, 16}, 2, 20, 1030, pool, random, results);
  check_attention({KvDtype::bf16, true, 16, 1, 32, 16}, 2, 2, 520, pool, random, results);
}

}  // namespace tandem::self_test
