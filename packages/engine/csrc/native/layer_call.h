// Owns how one layer's work runs on the JavaScript thread: the compute threads stay awake between its many short products, and memory
// that runs out becomes a typed error.
#pragma once

#include <napi.h>

#include <new>

#include "native/js_values.h"
#include "threads/thread_pool.h"

namespace tandem {

template <typename Body>
void compute_now(Napi::Env env, ThreadPool& pool, Body&& body) {
  pool.start_burst();
  try {
    body();
  } catch (const std::bad_alloc&) {
    pool.end_burst();
    throw Napi::Error(env, to_js_error(env, EngineError("out_of_memory", {})));
  }
  pool.end_burst();
}

}  // namespace tandem
