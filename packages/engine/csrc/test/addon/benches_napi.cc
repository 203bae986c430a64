// Owns the timed loops of the kernel bench: everything inside a measurement is C++. Best of `numTries`, since other work on the machine
// only ever slows a run down.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "kernels/attention.h"
#include "kernels/isa.h"
#include "kernels/matmul.h"
#include "kernels/weight_memory.h"
#include "test/addon/arguments.h"
#include "test/addon/roofline.h"
#include "threads/process_placement.h"
#include "threads/thread_pool.h"

namespace tandem {

namespace {

/** Portable peak: what a compiler makes of a plain loop. */
constexpr size_t kLanes = 256;
float portable_f32(size_t repeats) {
  float sum[kLanes] = {}, x = 1e-9f;
  for (size_t i = 0; i < repeats; i++) {
    asm volatile("" : "+m"(x));
    for (size_t l = 0; l < kLanes; l++) sum[l] += x * 0.5f;
  }
  return sum[0] + sum[kLanes - 1];
}
float portable_int8(size_t repeats) {
  int32_t sum[kLanes] = {}, x = 3;
  for (size_t i = 0; i < repeats; i++) {
    asm volatile("" : "+m"(x));
    for (size_t l = 0; l < kLanes; l++) sum[l] += x * static_cast<int32_t>(l);
  }
  return static_cast<float>(sum[0] + sum[kLanes - 1]);
}

/** Seconds on the clock, or of this thread's own time when it works alone: other processes then do not count. */
double seconds_now(bool alone) {
  timespec time;
  clock_gettime(alone ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/** A pool on this thread's cores, bound as an engine's is; the thread itself gets its cores back. */
class BoundPool {
 public:
  explicit BoundPool(int num_threads) : cpus_(thread_affinity()), pool({num_threads, Pinning::automatic}) { pool.bind_caller(); }
  ~BoundPool() { set_thread_affinity(cpus_); }
  BoundPool(const BoundPool&) = delete;
  BoundPool& operator=(const BoundPool&) = delete;

 private:
  const std::vector<int> cpus_;  // before the pool binds this thread

 public:
  ThreadPool pool;
};

template <typename Body>
double best_seconds(size_t num_tries, bool alone, Body&& body) {
  double best = 1e30;
  for (size_t i = 0; i < num_tries; i++) {
    const double start = seconds_now(alone);
    body();
    best = std::min(best, seconds_now(alone) - start);
  }
  return best;
}

PeakLoops peak_loops() {
  switch (active_isa()) {
#if defined(__x86_64__)
    case Isa::amx: return {kAvx512Peak.f32, kAmxInt8Peak, kAmxInt8Peak};
    case Isa::amx_bf16: return {kAvx512Peak.f32, kAmxBf16Peak, kAmxBf16Peak};
    case Isa::avx512: return kAvx512Peak;
    case Isa::avx2_vnni: return {kAvx2Peak.f32, kAvx2VnniInt8Peak, kAvx2VnniInt8Peak};
    case Isa::avx2: return kAvx2Peak;
#elif defined(__aarch64__)
    case Isa::neon: return kNeonPeak;
    case Isa::neon_dotprod: return kNeonDotprodPeak;
    case Isa::neon_i8mm: return kNeonI8mmPeak;
#endif
    default: return kPortablePeak;
  }
}

/** benchPeak('f32' | 'int8' | 'int4', numThreads, numTries): operations per second. */
Napi::Value bench_peak(const Napi::CallbackInfo& info) {
  const PeakLoops loops = peak_loops();
  const std::string kind = info[0].ToString().Utf8Value();
  const PeakLoop& loop = kind == "f32" ? loops.f32 : kind == "int8" ? loops.int8 : loops.int4;
  const auto threads = static_cast<int>(size_at(info, 1));
  BoundPool bound(threads);
  ThreadPool& pool = bound.pool;
  constexpr size_t kRepeats = 100000;
  volatile float sink = 0;
  const double seconds = best_seconds(size_at(info, 2), size_at(info, 1) == 1, [&] {
    pool.parallel_for(static_cast<size_t>(threads), 1, [&](size_t begin, size_t end, int) {
      for (size_t i = begin; i < end; i++) sink = loop.run(kRepeats);
    });
  });
  return Napi::Number::New(info.Env(), loop.ops * kRepeats * threads / seconds);
}

/** benchBandwidth(numBytes, numThreads, numTries): bytes read per second from memory larger than the caches. */
Napi::Value bench_bandwidth(const Napi::CallbackInfo& info) {
  const size_t words = size_at(info, 0) / 8;
  // The same kind of memory the weights are in.
  const std::shared_ptr<uint8_t> bytes = allocate_weights(words * 8);
  std::memset(bytes.get(), 1, words * 8);
  const auto* memory = reinterpret_cast<const uint64_t*>(bytes.get());
  BoundPool bound(static_cast<int>(size_at(info, 1)));
  ThreadPool& pool = bound.pool;
  volatile uint64_t sink = 0;
  const double seconds = best_seconds(size_at(info, 2), size_at(info, 1) == 1, [&] {
    pool.parallel_for(words, 65536, [&](size_t begin, size_t end, int) {
      uint64_t sum[8] = {};
      size_t i = begin;
      for (; i + 8 <= end; i += 8) for (size_t l = 0; l < 8; l++) sum[l] += memory[i + l];
      sink = sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
    });
  });
  return Napi::Number::New(info.Env(), static_cast<double>(words * 8) / seconds);
}

/**
 * benchMatmul(matrices, x, numRows, numThreads, numTries): seconds of one product, matrices taken in turn (so that weights come from
 * memory when together they exceed the caches). Activations are quantised beforehand.
 */
Napi::Value bench_matmul(const Napi::CallbackInfo& info) {
  const auto list = info[0].As<Napi::Array>();
  std::vector<const PackedMatrix*> matrices;
  for (uint32_t i = 0; i < list.Length(); i++) matrices.push_back(list.Get(i).As<Napi::External<PackedMatrix>>().Data());
  const size_t num_rows = size_at(info, 2), num_outputs = matrices[0]->num_outputs();
  const TestRows rows(*matrices[0], floats_at(info, 1), num_rows);
  const size_t ldy = float_stride(num_outputs);
  std::vector<float> y(num_rows * ldy);
  BoundPool bound(static_cast<int>(size_at(info, 3)));
  ThreadPool& pool = bound.pool;
  const size_t num_panels = (num_outputs + kPanel - 1) / kPanel;
  const double seconds = best_seconds(size_at(info, 4), size_at(info, 3) == 1, [&] {
    for (const PackedMatrix* matrix : matrices) {
      pool.parallel_for(num_panels, split_group(*matrix, num_rows), [&](size_t begin, size_t end, int) {
        matmul(*matrix, rows.activations(), num_rows, {y.data(), ldy, false, nullptr}, begin * kPanel, std::min(end * kPanel, num_outputs));
      });
    }
  });
  return Napi::Number::New(info.Env(), seconds / static_cast<double>(matrices.size()));
}

/** benchAttention({dtype, mla, numHeads, numKvHeads, keyDim, valueDim, numSequences, numRows, contextLength}, numTries): seconds of one
 *  of kNumLayers layers, one thread. Each layer has a cache of its own, as in a model: what a layer reads was last read a step ago. */
Napi::Value bench_attention(const Napi::CallbackInfo& info) {
  const Napi::Object options = object_at(info, 0);
  AttentionParams params;
  params.layout = {static_cast<KvDtype>(size_of(options, "dtype")), flag_of(options, "mla"), 16, size_of(options, "numKvHeads"),
                   size_of(options, "keyDim"), size_of(options, "valueDim")};
  params.num_heads = size_of(options, "numHeads");
  params.num_sequences = size_of(options, "numSequences");
  const size_t num_rows = size_of(options, "numRows"), context = size_of(options, "contextLength"), blocks = (context + 15) / 16;
  constexpr size_t kNumLayers = 30;
  const size_t layer_bytes = params.num_sequences * blocks * params.layout.block_bytes();
  const std::shared_ptr<uint8_t> memory = allocate_weights(kNumLayers * layer_bytes);  // large pages, like the engine's pool
  uint8_t* pool = memory.get();
  std::vector<float> token(params.layout.num_kv_heads * params.layout.key_dim, 0.01f);
  for (size_t slot = 0; slot < params.num_sequences * blocks * 16; slot++) kv_write(params.layout, pool, slot, token.data(), token.data());
  for (size_t layer = 1; layer < kNumLayers; layer++) std::copy_n(pool, layer_bytes, pool + layer * layer_bytes);
  std::vector<int32_t> table(params.num_sequences * blocks);
  std::vector<AttentionSequence> sequences;
  for (size_t i = 0; i < table.size(); i++) table[i] = static_cast<int32_t>(i);
  for (size_t s = 0; s < params.num_sequences; s++) {
    sequences.push_back({s * num_rows, num_rows, static_cast<int64_t>(context - num_rows), table.data() + s * blocks});
  }
  params.sequences = sequences.data();
  params.ld_queries = params.num_heads * params.layout.key_dim;
  params.ld_output = params.num_heads * params.layout.value_dim;
  std::vector<float> queries(params.num_sequences * num_rows * params.ld_queries, 0.1f), output(params.num_sequences * num_rows * params.ld_output);
  params.queries = queries.data();
  params.output = output.data();
  const AttentionPlanSize size = attention_plan_size(params);
  std::vector<AttentionItem> items(size.num_items);
  std::vector<AttentionMerge> merges(size.num_merges);
  std::vector<float> scratch(size.scratch_floats), workspace(attention_workspace_bytes(params.layout) / sizeof(float) + 16);
  attention_plan(params, items.data(), merges.data());
  const double seconds = best_seconds(size_at(info, 1), true, [&] {
    for (size_t layer = 0; layer < kNumLayers; layer++) {
      params.pool = pool + layer * layer_bytes;
      for (size_t i = 0; i < items.size(); i++) {
        attention_run(params, items[i], i + 1 < items.size() ? &items[i + 1] : nullptr, scratch.data(), workspace.data());
      }
      for (const AttentionMerge& merge : merges) attention_merge(params, merge, scratch.data());
    }
  });
  return Napi::Number::New(info.Env(), seconds / kNumLayers);
}

/** benchDispatch(numThreads, numCalls): seconds of one empty parallel_for over numThreads ranges. */
Napi::Value bench_dispatch(const Napi::CallbackInfo& info) {
  const size_t num_calls = size_at(info, 1);
  BoundPool bound(static_cast<int>(size_at(info, 0)));
  ThreadPool& pool = bound.pool;
  volatile size_t sink = 0;
  const double seconds = best_seconds(5, false, [&] {
    for (size_t i = 0; i < num_calls; i++) {
      pool.parallel_for(static_cast<size_t>(pool.num_threads()), 1, [&](size_t begin, size_t, int) { sink = begin; });
    }
  });
  return Napi::Number::New(info.Env(), seconds / static_cast<double>(num_calls));
}

Napi::Value available_cores_js(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), available_cores()); }

}  // namespace

const PeakLoops kPortablePeak = {{kLanes * 2.0, portable_f32}, {kLanes * 2.0, portable_int8}, {kLanes * 2.0, portable_int8}};

void register_benches(Napi::Env, Napi::Object exports) {
  add(exports, "benchPeak", bench_peak);
  add(exports, "benchBandwidth", bench_bandwidth);
  add(exports, "benchMatmul", bench_matmul);
  add(exports, "benchAttention", bench_attention);
  add(exports, "benchDispatch", bench_dispatch);
  add(exports, "availableCores", available_cores_js);
}

}  // namespace tandem
