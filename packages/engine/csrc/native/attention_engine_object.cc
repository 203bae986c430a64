#include <memory>
#include <string>

#include "engine/attention_engine.h"
#include "native/background_task.h"
#include "native/engine_objects.h"
#include "native/js_callback.h"
#include "native/js_values.h"
#include "native/load_progress.h"
#include "native/parse_model.h"
#include "native/step_values.h"

namespace tandem {

namespace {

// The engine and the JavaScript functions its threads call; the functions outlive the threads.
struct AttentionHandle {
  std::unique_ptr<AttentionEngine> engine;
  std::unique_ptr<JsCallback> peer_down, completion;
  size_t steps_in_flight = 0;  // JavaScript thread
};

AttentionEngineConfig parse_options(const Napi::Object& options) {
  AttentionEngineConfig config;
  config.model = parse_model_config(object_of(options, "config"));
  config.tensors = parse_attention_tensors(object_of(options, "weights"));
  config.kv = parse_kv_options(options);
  config.max_model_len = size_of(options, "maxModelLen");
  config.activation_dtype = static_cast<FrameDtype>(static_cast<int>(number_of(options, "activationDtype")));
  config.ffn_timeout = std::chrono::milliseconds(static_cast<int64_t>(number_of(options, "ffnTimeoutMs")));
  config.num_threads = static_cast<int>(number_of(options, "numThreads"));
  config.pinning = pinning_of(options);
  config.hello = parse_hello(object_of(options, "hello"));
  return config;
}

class AttentionEngineObject : public Napi::ObjectWrap<AttentionEngineObject> {
 public:
  static Napi::FunctionReference constructor;

  explicit AttentionEngineObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<AttentionEngineObject>(info) {
    handle_ = *info[0].As<Napi::External<std::shared_ptr<AttentionHandle>>>().Data();
    info.Env().AddCleanupHook([](std::weak_ptr<AttentionHandle>* handle) {
      // The process ends without dispose: threads must not outlive the JavaScript environment.
      if (const auto alive = handle->lock(); alive != nullptr && alive->engine != nullptr) alive->engine->abort();
      delete handle;
    }, new std::weak_ptr<AttentionHandle>(handle_));
  }

  ~AttentionEngineObject() override {
    if (handle_ != nullptr && handle_->engine != nullptr) close(handle_, true);
  }

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeAttentionEngine",
                       {InstanceMethod<&AttentionEngineObject::info>("info"),
                        InstanceMethod<&AttentionEngineObject::set_topology>("setTopology"),
                        InstanceMethod<&AttentionEngineObject::step>("step"),
                        InstanceMethod<&AttentionEngineObject::stats>("stats"),
                        InstanceMethod<&AttentionEngineObject::dispose>("dispose")});
  }

 private:
  static void close(const std::shared_ptr<AttentionHandle>& handle, bool at_once) {
    if (at_once) handle->engine->abort();
    else handle->engine->stop();
    handle->engine.reset();
    for (auto* callback : {&handle->peer_down, &handle->completion}) {
      if (*callback != nullptr) (*callback)->release();
      callback->reset();
    }
  }

  Napi::Value info(const Napi::CallbackInfo& info) {
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("weightBytes", static_cast<double>(handle_->engine->weight_bytes()));
    object.Set("kvCacheBytes", static_cast<double>(handle_->engine->kv().num_bytes()));
    return object;
  }

  Napi::Value set_topology(const Napi::CallbackInfo& info) {
    auto topology = std::make_shared<FfnTopology>(parse_topology(info[0].As<Napi::Object>()));
    return BackgroundTask::start(
        info.Env(), [handle = handle_, topology] { handle->engine->set_topology(*topology); },
        [](Napi::Env env) { return env.Undefined(); });
  }

  // A promise, or null when the queue is full.
  Napi::Value step(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    StepPlan plan = parse_step_plan(info[0].As<Napi::Object>());
    auto deferred = std::make_shared<Napi::Promise::Deferred>(Napi::Promise::Deferred::New(env));
    JsCallback* completion = handle_->completion.get();
    const bool taken = handle_->engine->submit(
        std::move(plan), [deferred, completion, handle = std::weak_ptr<AttentionHandle>(handle_)](AttentionEngine::Outcome outcome) {
          auto shared = std::make_shared<AttentionEngine::Outcome>(std::move(outcome));
          completion->post([deferred, shared, handle](Napi::Env inner, Napi::Function) {
            if (const auto alive = handle.lock(); alive != nullptr) {
              if (--alive->steps_in_flight == 0 && alive->completion != nullptr) alive->completion->let_go(inner);
            }
            if (shared->error != nullptr) deferred->Reject(to_js_error(inner, *shared->error));
            else deferred->Resolve(to_js(inner, *shared->result));
          });
        });
    if (!taken) return env.Null();
    if (handle_->steps_in_flight++ == 0) completion->hold(env);
    return deferred->Promise();
  }

  Napi::Value stats(const Napi::CallbackInfo& info) {
    const AttentionEngineStats stats = handle_->engine->stats();
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("numSequences", static_cast<double>(stats.num_sequences));
    object.Set("numSteps", static_cast<double>(stats.num_steps));
    object.Set("framesSent", static_cast<double>(stats.frames_sent));
    object.Set("framesResent", static_cast<double>(stats.frames_resent));
    object.Set("bytesSent", static_cast<double>(stats.bytes_sent));
    object.Set("bytesReceived", static_cast<double>(stats.bytes_received));
    return object;
  }

  // The wrapper above calls nothing after it.
  Napi::Value dispose(const Napi::CallbackInfo& info) {
    return BackgroundTask::start(
        info.Env(), [handle = handle_] { close(handle, false); }, [](Napi::Env env) { return env.Undefined(); });
  }

  std::shared_ptr<AttentionHandle> handle_;
};

Napi::FunctionReference AttentionEngineObject::constructor;

}  // namespace

void define_attention_engine(Napi::Env env) {
  AttentionEngineObject::constructor = Napi::Persistent(AttentionEngineObject::define(env));
  AttentionEngineObject::constructor.SuppressDestruct();
}

Napi::Value create_attention_engine(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto handle = std::make_shared<AttentionHandle>();
  handle->peer_down = std::make_unique<JsCallback>(env, info[1].As<Napi::Function>(), "tandem onPeerDown");
  const auto nothing = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  handle->completion = std::make_unique<JsCallback>(env, nothing, "tandem step");

  auto peer_down = [callback = handle->peer_down.get()](const std::string& worker_id, const std::string& reason) {
    callback->post([worker_id, reason](Napi::Env inner, Napi::Function function) {
      function.Call({Napi::String::New(inner, worker_id), Napi::String::New(inner, reason)});
    });
  };
  std::shared_ptr<AttentionEngineConfig> config;
  try {
    config = std::make_shared<AttentionEngineConfig>(parse_options(info[0].As<Napi::Object>()));
  } catch (const EngineError& error) {
    const auto deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(to_js_error(env, error));
    return deferred.Promise();
  }
  return BackgroundTask::start(
      env,
      [handle, config, progress = progress_to(env, info[2]), peer_down] {
        handle->engine = std::make_unique<AttentionEngine>(*config, progress, peer_down);
      },
      [handle](Napi::Env inner) -> Napi::Value {
        auto copy = handle;
        return AttentionEngineObject::constructor.New(
            {Napi::External<std::shared_ptr<AttentionHandle>>::New(inner, &copy)});
      });
}

}  // namespace tandem
