// Owns the test surface of the KV cache and attention, and one that runs a plan over a thread pool.
#include <cstdlib>
#include <memory>

#include "kernels/attention.h"
#include "test/addon/arguments.h"
#include "threads/thread_pool.h"

namespace tandem {
namespace {

KvLayout layout_of(const Napi::Object& options) {
  KvLayout layout;
  layout.dtype = static_cast<KvDtype>(size_of(options, "dtype"));
  layout.mla = flag_of(options, "mla");
  layout.block_size = size_of(options, "blockSize");
  layout.num_kv_heads = size_of(options, "numKvHeads");
  layout.key_dim = size_of(options, "keyDim");
  layout.value_dim = size_of(options, "valueDim");
  return layout;
}

/** kvBlockBytes(layout): throws when the layout is not supported. */
Napi::Value kv_block_bytes(const Napi::CallbackInfo& info) {
  const KvLayout layout = layout_of(object_at(info, 0));
  const char* problem = check_kv_layout(layout);
  if (problem != nullptr) throw Napi::Error::New(info.Env(), problem);
  return Napi::Number::New(info.Env(), static_cast<double>(layout.block_bytes()));
}

/** kvWrite(layout, pool, slot, key, value) */
Napi::Value kv_write_js(const Napi::CallbackInfo& info) {
  kv_write(layout_of(object_at(info, 0)), info[1].As<Napi::Uint8Array>().Data(), size_at(info, 2), floats_at(info, 3), floats_at(info, 4));
  return info.Env().Undefined();
}

/** kvRead(layout, pool, slot, key, value) */
Napi::Value kv_read_js(const Napi::CallbackInfo& info) {
  kv_read(layout_of(object_at(info, 0)), info[1].As<Napi::Uint8Array>().Data(), size_at(info, 2), floats_at(info, 3), floats_at(info, 4));
  return info.Env().Undefined();
}

struct FreeAligned { void operator()(void* p) const { std::free(p); } };

void run_plan(const AttentionParams& params, int num_threads) {
  const AttentionPlanSize size = attention_plan_size(params);
  std::vector<AttentionItem> items(size.num_items);
  std::vector<AttentionMerge> merges(size.num_merges);
  attention_plan(params, items.data(), merges.data());
  std::vector<float> scratch(size.scratch_floats);
  const size_t bytes = (attention_workspace_bytes(params.layout) + 63) / 64 * 64;
  std::unique_ptr<char, FreeAligned> workspace(static_cast<char*>(std::aligned_alloc(64, bytes * static_cast<size_t>(num_threads))));
  ThreadPool pool({num_threads, Pinning::never, 0});
  pool.parallel_for(items.size(), 1, [&](size_t begin, size_t end, int thread) {
    for (size_t i = begin; i < end; i++) attention_run(params, items[i], i + 1 < end ? &items[i + 1] : nullptr, scratch.data(), workspace.get() + bytes * static_cast<size_t>(thread));
  });
  pool.parallel_for(merges.size(), 1, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; i++) attention_merge(params, merges[i], scratch.data());
  });
}

/**
 * attention({layout, pool, numHeads, scale, numThreads, sequences: [{firstRow, numRows, startPosition, blockTable}], queries, output});
 * rows are dense.
 */
Napi::Value attention_js(const Napi::CallbackInfo& info) {
  const Napi::Object options = object_at(info, 0);
  AttentionParams params;
  params.layout = layout_of(options.Get("layout").As<Napi::Object>());
  params.pool = options.Get("pool").As<Napi::Uint8Array>().Data();
  params.num_heads = size_of(options, "numHeads");
  params.scale = static_cast<float>(number_of(options, "scale"));
  const auto list = options.Get("sequences").As<Napi::Array>();
  std::vector<AttentionSequence> sequences(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) {
    const auto entry = list.Get(i).As<Napi::Object>();
    sequences[i] = {size_of(entry, "firstRow"), size_of(entry, "numRows"), static_cast<int64_t>(number_of(entry, "startPosition")),
                    entry.Get("blockTable").As<Napi::Int32Array>().Data()};
  }
  params.sequences = sequences.data();
  params.num_sequences = sequences.size();
  params.queries = options.Get("queries").As<Napi::Float32Array>().Data();
  params.ld_queries = params.num_heads * params.layout.key_dim;
  params.output = options.Get("output").As<Napi::Float32Array>().Data();
  params.ld_output = params.num_heads * params.layout.value_dim;
  run_plan(params, static_cast<int>(size_of(options, "numThreads")));
  return info.Env().Undefined();
}

}  // namespace

void register_attention(Napi::Env, Napi::Object exports) {
  add(exports, "kvBlockBytes", kv_block_bytes);
  add(exports, "kvWrite", kv_write_js);
  add(exports, "kvRead", kv_read_js);
  add(exports, "attention", attention_js);
}

}  // namespace tandem
