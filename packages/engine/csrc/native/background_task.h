// Owns work that would block the JavaScript thread: runs it on a pool thread and settles a promise.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <optional>

#include "native/js_values.h"

namespace tandem {

// `work` may throw EngineError or another std::exception; `finish` makes the promise's value, on the JavaScript thread.
class BackgroundTask final : public Napi::AsyncWorker {
 public:
  using Work = std::function<void()>;
  using Finish = std::function<Napi::Value(Napi::Env)>;

  static Napi::Promise start(Napi::Env env, Work work, Finish finish) {
    auto* task = new BackgroundTask(env, std::move(work), std::move(finish));  // deletes itself
    Napi::Promise promise = task->deferred_.Promise();
    task->Queue();
    return promise;
  }

  void Execute() override {
    try {
      work_();
    } catch (const EngineError& error) {
      error_ = error;
    } catch (const std::exception& error) {
      error_ = EngineError("native_failure", {{"reason", std::string(error.what())}});
    }
    work_ = nullptr;
  }

  void OnOK() override {
    Napi::HandleScope scope(Env());
    if (error_.has_value()) deferred_.Reject(to_js_error(Env(), *error_));
    else deferred_.Resolve(finish_(Env()));
  }

 private:
  BackgroundTask(Napi::Env env, Work work, Finish finish)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        finish_(std::move(finish)) {}

  Napi::Promise::Deferred deferred_;
  Work work_;
  Finish finish_;
  std::optional<EngineError> error_;
};

}  // namespace tandem
