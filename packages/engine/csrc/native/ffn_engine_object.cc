#include <memory>
#include <string>

#include "engine/ffn_engine.h"
#include "native/background_task.h"
#include "native/engine_objects.h"
#include "native/ffn_layers_object.h"
#include "native/js_values.h"
#include "native/load_progress.h"
#include "native/parse_model.h"

namespace tandem {

namespace {

FfnEngineConfig parse_options(const Napi::Object& options) {
  FfnEngineConfig config;
  config.model = parse_model_config(object_of(options, "config"));
  config.tensors = parse_ffn_tensors(object_of(options, "weights"));
  config.num_threads = static_cast<int>(number_of(options, "numThreads"));
  config.pinning = pinning_of(options);
  config.max_queued_frames = size_of(options, "maxQueuedFrames");
  config.hello = parse_hello(object_of(options, "hello"));
  if (has(options, "shmPath")) config.shm_path = string_of(options, "shmPath");
  if (has(options, "tcpHost")) {
    config.tcp_host = string_of(options, "tcpHost");
    config.tcp_port = static_cast<int>(number_of(options, "tcpPort"));
  }
  if (has(options, "loopbackName")) config.loopback_name = string_of(options, "loopbackName");
  return config;
}

class FfnEngineObject : public Napi::ObjectWrap<FfnEngineObject> {
 public:
  static Napi::FunctionReference constructor;

  explicit FfnEngineObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<FfnEngineObject>(info) {
    engine_ = *info[0].As<Napi::External<std::shared_ptr<FfnEngine>>>().Data();
    info.Env().AddCleanupHook([](std::weak_ptr<FfnEngine>* engine) {
      if (const auto alive = engine->lock()) alive->stop();
      delete engine;
    }, new std::weak_ptr<FfnEngine>(engine_));
  }
  ~FfnEngineObject() override {
    if (engine_ != nullptr) engine_->stop();
  }

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeFfnEngine",
                       {InstanceMethod<&FfnEngineObject::addresses>("addresses"),
                        InstanceMethod<&FfnEngineObject::assign>("assign"),
                        InstanceMethod<&FfnEngineObject::retire>("retire"),
                        InstanceMethod<&FfnEngineObject::weight_bytes>("weightBytes"),
                        InstanceMethod<&FfnEngineObject::stats>("stats"),
                        InstanceMethod<&FfnEngineObject::layers>("layers"),
                        InstanceMethod<&FfnEngineObject::dispose>("dispose")});
  }

 private:
  // {shm: string | null, tcp: string | null}
  Napi::Value addresses(const Napi::CallbackInfo& info) {
    Napi::Object object = Napi::Object::New(info.Env());
    const auto set = [&](const char* key, const std::string& address) {
      if (address.empty()) object.Set(key, info.Env().Null());
      else object.Set(key, address);
    };
    set("shm", engine_->shm_address());
    set("tcp", engine_->tcp_address());
    return object;
  }

  // assign(epoch, split, start, end, onProgress | null)
  Napi::Value assign(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const uint32_t epoch = info[0].As<Napi::Number>().Uint32Value();
    const FfnSplit split = info[1].As<Napi::String>().Utf8Value() == "ep" ? FfnSplit::ep : FfnSplit::tp;
    const LeafRange leaves{info[2].As<Napi::Number>().Int32Value(), info[3].As<Napi::Number>().Int32Value()};
    return BackgroundTask::start(
        env,
        [engine = engine_, epoch, split, leaves, progress = progress_to(env, info[4])] {
          engine->assign(epoch, split, leaves, progress);
        },
        [](Napi::Env inner) { return inner.Undefined(); });
  }

  Napi::Value retire(const Napi::CallbackInfo& info) {
    engine_->retire(info[0].As<Napi::Number>().Uint32Value());
    return info.Env().Undefined();
  }

  Napi::Value weight_bytes(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(engine_->weight_bytes()));
  }

  Napi::Value stats(const Napi::CallbackInfo& info) {
    const FfnEngineStats stats = engine_->stats();
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("numFrames", static_cast<double>(stats.num_frames));
    object.Set("numBatches", static_cast<double>(stats.num_batches));
    object.Set("numTokens", static_cast<double>(stats.num_tokens));
    object.Set("computeUs", static_cast<double>(stats.compute_us));
    object.Set("idleUs", static_cast<double>(stats.idle_us));
    object.Set("queueLength", static_cast<double>(stats.queue_length));
    Napi::Object refused = Napi::Object::New(info.Env());
    for (int i = 1; i < kNumFrameStatuses; i++) {
      if (stats.refused[i] > 0) refused.Set(status_name(static_cast<FrameStatus>(i)), static_cast<double>(stats.refused[i]));
    }
    object.Set("refused", refused);
    return object;
  }

  // A NativeFfnLayers over the leaves this engine holds.
  Napi::Value layers(const Napi::CallbackInfo& info) { return ffn_layers_beside(info.Env(), engine_); }

  Napi::Value dispose(const Napi::CallbackInfo& info) {
    return BackgroundTask::start(
        info.Env(), [engine = std::move(engine_)] { engine->stop(); },
        [](Napi::Env env) { return env.Undefined(); });
  }

  std::shared_ptr<FfnEngine> engine_;
};

Napi::FunctionReference FfnEngineObject::constructor;

}  // namespace

void define_ffn_engine(Napi::Env env) {
  FfnEngineObject::constructor = Napi::Persistent(FfnEngineObject::define(env));
  FfnEngineObject::constructor.SuppressDestruct();
}

Napi::Value create_ffn_engine(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    auto engine = std::make_shared<FfnEngine>(parse_options(info[0].As<Napi::Object>()));
    engine->publish_loopback();
    return FfnEngineObject::constructor.New({Napi::External<std::shared_ptr<FfnEngine>>::New(env, &engine)});
  } catch (const EngineError& error) {
    throw Napi::Error(env, to_js_error(env, error));
  } catch (const std::runtime_error& error) {
    throw Napi::Error(env, to_js_error(env, EngineError("listen_failed", {{"reason", std::string(error.what())}})));
  } catch (const std::bad_alloc&) {
    throw Napi::Error(env, to_js_error(env, EngineError("out_of_memory", {})));
  }
}

}  // namespace tandem
