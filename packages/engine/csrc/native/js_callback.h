// Owns a JavaScript function that native threads may call: payloads are queued to the JavaScript thread. Does not
// keep the process alive by itself.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

namespace tandem {

class JsCallback {
 public:
  using Deliver = std::function<void(Napi::Env, Napi::Function)>;

  JsCallback(Napi::Env env, const Napi::Function& function, const char* name)
      : function_(Napi::ThreadSafeFunction::New(env, function, name, 0, 1)) {
    function_.Unref(env);
  }

  // From any thread, until `release`.
  void post(Deliver deliver) {
    auto* payload = new Deliver(std::move(deliver));
    const napi_status status =
        function_.NonBlockingCall(payload, [](Napi::Env env, Napi::Function function, Deliver* posted) {
          if (env != nullptr) (*posted)(env, function);
          delete posted;
        });
    if (status != napi_ok) delete payload;
  }

  // JavaScript thread: while held, the event loop stays alive for what will be posted.
  void hold(Napi::Env env) { function_.Ref(env); }
  void let_go(Napi::Env env) { function_.Unref(env); }
  void release() { function_.Release(); }

 private:
  Napi::ThreadSafeFunction function_;
};

}  // namespace tandem
