// Owns the way from a loading thread to a JavaScript progress function.
#pragma once

#include <napi.h>

#include <memory>

#include "model/weight_files.h"
#include "native/js_callback.h"

namespace tandem {

// Empty unless `function` is one. It is let go of with the last copy of the result.
inline LoadProgress progress_to(Napi::Env env, const Napi::Value& function) {
  if (!function.IsFunction()) return nullptr;
  std::shared_ptr<JsCallback> callback(new JsCallback(env, function.As<Napi::Function>(), "tandem onProgress"),
                                       [](JsCallback* released) {
                                         released->release();
                                         delete released;
                                       });
  return [callback](uint64_t done_bytes) {
    callback->post([done_bytes](Napi::Env inner, Napi::Function target) {
      target.Call({Napi::Number::New(inner, static_cast<double>(done_bytes))});
    });
  };
}

}  // namespace tandem
