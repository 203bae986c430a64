// Owns the FFN side's arithmetic as a JavaScript object, for the pipelined engine: leaves by range, and layers the calling
// thread computes with the compute threads. Beside a native engine it computes over the leaves that engine holds.
#include "native/ffn_layers_object.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "native/background_task.h"
#include "native/engine_objects.h"
#include "native/js_values.h"
#include "native/layer_call.h"
#include "native/load_progress.h"
#include "native/parse_model.h"

namespace tandem {

namespace {

struct FfnSide {
  FfnSide(const ModelConfig& model, const FfnSideTensors& weights, int num_threads, std::weak_ptr<FfnEngine> beside)
      : config(model), tensors(weights), engine(std::move(beside)), pool(ThreadPoolOptions{num_threads}) {}

  std::shared_ptr<const FfnShard> find(FfnSplit split, LeafRange leaves) const {
    std::lock_guard<std::mutex> lock(mutex);
    for (const auto& shard : shards) {
      if (shard->split() == split && shard->leaves() == leaves) return shard;
    }
    return nullptr;
  }

  // Blocks; one caller at a time.
  void load(FfnSplit split, LeafRange leaves, LoadProgress progress) {
    if (find(split, leaves) != nullptr) return;
    std::shared_ptr<const FfnShard> shard;
    if (const auto alive = engine.lock(); alive != nullptr) shard = alive->find_shard(split, leaves);
    if (shard == nullptr) shard = std::make_shared<FfnShard>(config, tensors, split, leaves, std::move(progress));
    std::lock_guard<std::mutex> lock(mutex);
    shards.push_back(std::move(shard));
  }

  const ModelConfig config;
  const FfnSideTensors tensors;
  const std::weak_ptr<FfnEngine> engine;
  mutable std::mutex mutex;  // guards shards: loading has its own thread
  std::vector<std::shared_ptr<const FfnShard>> shards;
  // JavaScript thread only.
  ThreadPool pool;
  FfnScratch scratch;
};

FfnSplit split_of(const Napi::Value& value) {
  return value.As<Napi::String>().Utf8Value() == "ep" ? FfnSplit::ep : FfnSplit::tp;
}

LeafRange leaves_of(const Napi::Value& start, const Napi::Value& end) {
  return {start.As<Napi::Number>().Int32Value(), end.As<Napi::Number>().Int32Value()};
}

class FfnLayersObject : public Napi::ObjectWrap<FfnLayersObject> {
 public:
  static Napi::FunctionReference constructor;

  explicit FfnLayersObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<FfnLayersObject>(info) {
    side_ = *info[0].As<Napi::External<std::shared_ptr<FfnSide>>>().Data();
  }

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeFfnLayers",
                       {InstanceMethod<&FfnLayersObject::load>("load"),
                        InstanceMethod<&FfnLayersObject::keep_only>("keepOnly"),
                        InstanceMethod<&FfnLayersObject::holds>("holds"),
                        InstanceMethod<&FfnLayersObject::weight_bytes>("weightBytes"),
                        InstanceMethod<&FfnLayersObject::run>("run"),
                        InstanceMethod<&FfnLayersObject::dispose>("dispose")});
  }

 private:
  // load(split, start, end, onProgress | null): Promise<void>
  Napi::Value load(const Napi::CallbackInfo& info) {
    return BackgroundTask::start(
        info.Env(),
        [side = side_, split = split_of(info[0]), leaves = leaves_of(info[1], info[2]),
         progress = progress_to(info.Env(), info[3])] { side->load(split, leaves, progress); },
        [](Napi::Env env) { return env.Undefined(); });
  }

  // keepOnly([{split, shards: {start, end}}])
  Napi::Value keep_only(const Napi::CallbackInfo& info) {
    std::vector<std::shared_ptr<const FfnShard>> kept;
    for_each(info[0], [&](const Napi::Object& wanted) {
      const Napi::Object range = object_of(wanted, "shards");
      auto shard = side_->find(split_of(wanted.Get("split")), leaves_of(range.Get("start"), range.Get("end")));
      if (shard != nullptr && std::find(kept.begin(), kept.end(), shard) == kept.end()) kept.push_back(std::move(shard));
    });
    std::lock_guard<std::mutex> lock(side_->mutex);
    side_->shards.swap(kept);
    return info.Env().Undefined();
  }

  // holds(split, start, end): boolean
  Napi::Value holds(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), side_->find(split_of(info[0]), leaves_of(info[1], info[2])) != nullptr);
  }

  Napi::Value weight_bytes(const Napi::CallbackInfo& info) {
    uint64_t bytes = 0;
    std::lock_guard<std::mutex> lock(side_->mutex);
    for (const auto& shard : side_->shards) bytes += shard->weight_bytes();
    return Napi::Number::New(info.Env(), static_cast<double>(bytes));
  }

  // run(split, start, end, layerIdx, hidden, topkIds, topkWeights, partials): the leaves are held
  Napi::Value run(const Napi::CallbackInfo& info) {
    const auto shard = side_->find(split_of(info[0]), leaves_of(info[1], info[2]));
    const auto hidden = info[4].As<Napi::Float32Array>();
    FfnRows rows;
    rows.num_rows = hidden.ElementLength() / side_->config.hidden_size;
    rows.hidden = hidden.Data();
    rows.topk_ids = info[5].As<Napi::Uint16Array>().Data();
    rows.topk_weights = info[6].As<Napi::Float32Array>().Data();
    const auto partials = info[7].As<Napi::Array>();
    for (uint32_t i = 0; i < partials.Length(); i++) rows.roots.push_back(partials.Get(i).As<Napi::Float32Array>().Data());
    const size_t layer_idx = info[3].As<Napi::Number>().Uint32Value();
    compute_now(info.Env(), [&] { shard->run(layer_idx, {rows}, side_->pool, &side_->scratch); });
    return info.Env().Undefined();
  }

  Napi::Value dispose(const Napi::CallbackInfo& info) {
    side_.reset();
    return info.Env().Undefined();
  }

  std::shared_ptr<FfnSide> side_;
};

Napi::FunctionReference FfnLayersObject::constructor;

Napi::Value new_object(Napi::Env env, std::shared_ptr<FfnSide> side) {
  return FfnLayersObject::constructor.New({Napi::External<std::shared_ptr<FfnSide>>::New(env, &side)});
}

}  // namespace

void define_ffn_layers(Napi::Env env) {
  FfnLayersObject::constructor = Napi::Persistent(FfnLayersObject::define(env));
  FfnLayersObject::constructor.SuppressDestruct();
}

Napi::Value create_ffn_layers(const Napi::CallbackInfo& info) {
  const auto options = info[0].As<Napi::Object>();
  try {
    return new_object(info.Env(), std::make_shared<FfnSide>(parse_model_config(object_of(options, "config")),
                                                            parse_ffn_tensors(object_of(options, "weights")),
                                                            static_cast<int>(number_of(options, "numThreads")),
                                                            std::weak_ptr<FfnEngine>()));
  } catch (const EngineError& error) {
    throw Napi::Error(info.Env(), to_js_error(info.Env(), error));
  }
}

Napi::Value ffn_layers_beside(Napi::Env env, const std::shared_ptr<FfnEngine>& engine) {
  const FfnEngineConfig& config = engine->config();
  return new_object(env, std::make_shared<FfnSide>(config.model, config.tensors, config.num_threads, engine));
}

}  // namespace tandem
