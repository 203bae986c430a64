// Owns the attention side's arithmetic as a JavaScript object, for the pipelined engine: the calling thread computes, with the
// compute threads, and gets its answer at once. Same layers and bits as the native engine; no step, no FFN worker.
#include <algorithm>
#include <memory>
#include <vector>

#include "engine/attention_layers.h"
#include "native/background_task.h"
#include "native/engine_objects.h"
#include "native/js_values.h"
#include "native/layer_call.h"
#include "native/load_progress.h"
#include "native/parse_model.h"

namespace tandem {

namespace {

struct AttentionSide {
  AttentionSide(const ModelConfig& config, const AttentionSideTensors& tensors, const KvOptions& kv, int num_threads,
                LoadProgress progress)
      : pool(ThreadPoolOptions{num_threads}), layers(config, tensors, kv, pool, std::move(progress)) {}
  ThreadPool pool;
  AttentionLayers layers;
};

// A planned ubatch: what `begin` gives out and `attend` takes.
struct PlannedUbatch {
  Ubatch ubatch;
  std::vector<std::vector<int32_t>> block_tables;
};

float* floats_of(const Napi::Value& value) { return value.As<Napi::Float32Array>().Data(); }

class AttentionLayersObject : public Napi::ObjectWrap<AttentionLayersObject> {
 public:
  static Napi::FunctionReference constructor;

  explicit AttentionLayersObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<AttentionLayersObject>(info) {
    side_ = std::move(*info[0].As<Napi::External<std::unique_ptr<AttentionSide>>>().Data());
  }

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeAttentionLayers",
                       {InstanceMethod<&AttentionLayersObject::info>("info"),
                        InstanceMethod<&AttentionLayersObject::begin>("begin"),
                        InstanceMethod<&AttentionLayersObject::attend>("attend"),
                        InstanceMethod<&AttentionLayersObject::logits>("logits"),
                        InstanceMethod<&AttentionLayersObject::dispose>("dispose")});
  }

 private:
  Napi::Value info(const Napi::CallbackInfo& info) {
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("weightBytes", static_cast<double>(side_->layers.weight_bytes()));
    object.Set("kvCacheBytes", static_cast<double>(side_->layers.kv().num_bytes()));
    return object;
  }

  // begin(tokenIds, sequences, residual): NativeUbatch
  Napi::Value begin(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto token_ids = info[0].As<Napi::Int32Array>();
    auto planned = std::make_unique<PlannedUbatch>();
    const size_t block_size = side_->layers.kv().layout().block_size;
    for_each(info[1], [&](const Napi::Object& sequence) {
      const auto table = sequence.Get("blockTable").As<Napi::Int32Array>();
      planned->block_tables.emplace_back(table.Data(), table.Data() + table.ElementLength());
      append_sequence(&planned->ubatch, token_ids.Data() + size_of(sequence, "firstRow"), size_of(sequence, "numTokens"),
                      static_cast<int64_t>(number_of(sequence, "startPosition")), planned->block_tables.back().data(),
                      block_size);
    });
    compute_now(env, [&] { side_->layers.begin(&planned->ubatch); });
    const size_t num_floats = planned->ubatch.num_rows * side_->layers.config().hidden_size;
    std::copy_n(planned->ubatch.residual.data(), num_floats, floats_of(info[2]));

    // So that the collector knows what a forgotten ubatch holds: residual stream and FFN input.
    const auto num_bytes = static_cast<int64_t>(2 * num_floats * sizeof(float));
    Napi::MemoryManagement::AdjustExternalMemory(env, num_bytes);
    return Napi::External<PlannedUbatch>::New(env, planned.release(), [num_bytes](Napi::Env inner, PlannedUbatch* done) {
      delete done;
      Napi::MemoryManagement::AdjustExternalMemory(inner, -num_bytes);
    });
  }

  // attend(layerIdx, ubatch, residual, hidden, topkIds, topkWeights)
  Napi::Value attend(const Napi::CallbackInfo& info) {
    const size_t layer_idx = info[0].As<Napi::Number>().Uint32Value();
    Ubatch& ubatch = info[1].As<Napi::External<PlannedUbatch>>().Data()->ubatch;
    const size_t num_floats = ubatch.num_rows * side_->layers.config().hidden_size;
    float* residual = floats_of(info[2]);
    std::copy_n(residual, num_floats, ubatch.residual.data());
    compute_now(info.Env(), [&] { side_->layers.attend(layer_idx, &ubatch); });
    std::copy_n(ubatch.residual.data(), num_floats, residual);
    std::copy_n(ubatch.hidden.data(), num_floats, floats_of(info[3]));
    std::copy(ubatch.topk_ids.begin(), ubatch.topk_ids.end(), info[4].As<Napi::Uint16Array>().Data());
    std::copy(ubatch.topk_weights.begin(), ubatch.topk_weights.end(), floats_of(info[5]));
    return info.Env().Undefined();
  }

  // logits(residual, rows, logits)
  Napi::Value logits(const Napi::CallbackInfo& info) {
    const ModelConfig& config = side_->layers.config();
    const float* residual = floats_of(info[0]);
    const auto rows = info[1].As<Napi::Int32Array>();
    std::vector<const float*> chosen;
    for (size_t i = 0; i < rows.ElementLength(); i++) chosen.push_back(residual + rows[i] * config.hidden_size);
    float* logits = floats_of(info[2]);
    compute_now(info.Env(), [&] {
      const float* computed = side_->layers.logits(chosen);
      for (size_t i = 0; i < chosen.size(); i++) {
        std::copy_n(computed + i * side_->layers.logits_stride(), config.vocab_size, logits + i * config.vocab_size);
      }
    });
    return info.Env().Undefined();
  }

  Napi::Value dispose(const Napi::CallbackInfo& info) {
    side_.reset();
    return info.Env().Undefined();
  }

  std::unique_ptr<AttentionSide> side_;
};

Napi::FunctionReference AttentionLayersObject::constructor;

}  // namespace

void define_attention_layers(Napi::Env env) {
  AttentionLayersObject::constructor = Napi::Persistent(AttentionLayersObject::define(env));
  AttentionLayersObject::constructor.SuppressDestruct();
}

Napi::Value create_attention_layers(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto options = info[0].As<Napi::Object>();
  auto config = std::make_shared<ModelConfig>();
  auto tensors = std::make_shared<AttentionSideTensors>();
  KvOptions kv;
  try {
    *config = parse_model_config(object_of(options, "config"));
    *tensors = parse_attention_tensors(object_of(options, "weights"));
    kv = parse_kv_options(options);
  } catch (const EngineError& error) {
    const auto deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(to_js_error(env, error));
    return deferred.Promise();
  }
  const int num_threads = static_cast<int>(number_of(options, "numThreads"));
  auto side = std::make_shared<std::unique_ptr<AttentionSide>>();
  return BackgroundTask::start(
      env,
      [side, config, tensors, kv, num_threads, progress = progress_to(env, info[1])] {
        *side = std::make_unique<AttentionSide>(*config, *tensors, kv, num_threads, progress);
      },
      [side](Napi::Env inner) -> Napi::Value {
        return AttentionLayersObject::constructor.New(
            {Napi::External<std::unique_ptr<AttentionSide>>::New(inner, side.get())});
      });
}

}  // namespace tandem
