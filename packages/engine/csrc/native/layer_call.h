// Owns how one layer's work runs on the JavaScript thread: memory that runs out becomes a typed error.
#pragma once

#include <napi.h>

#include <new>

#include "native/js_values.h"

namespace tandem {

template <typename Body>
void compute_now(Napi::Env env, Body&& body) {
  try {
    body();
  } catch (const std::bad_alloc&) {
    throw Napi::Error(env, to_js_error(env, EngineError("out_of_memory", {})));
  }
}

}  // namespace tandem
