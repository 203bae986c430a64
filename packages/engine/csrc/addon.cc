// Owns the addon's exports, in the order of packages/engine/src/native/addon-boundary.ts. Plain data in, plain data out;
// validation and defaults live above.
#include <napi.h>

#include "connector/control_socket.h"
#include "connector/frame.h"
#include "kernels/isa.h"
#include "native/engine_objects.h"
#include "threads/thread_pool.h"

namespace tandem {

namespace {

// decodeFrame(bytes): the name of the status a receiver would give it; "ok" for a well-formed frame.
Napi::Value decode_frame_status(const Napi::CallbackInfo& info) {
  const auto bytes = info[0].As<Napi::Uint8Array>();
  FrameView view;
  const FrameStatus status =
      decode_frame(reinterpret_cast<const std::byte*>(bytes.Data()), bytes.ByteLength(), kMaxFrameBytes, &view);
  return Napi::String::New(info.Env(), status_name(status));
}

Napi::Value host_id(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), shm_host_id()); }

Napi::Value isa(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), isa_name(active_isa())); }

// setComputeDtype('int8' | 'bf16'): whether this CPU has it. Before engines are made.
Napi::Value set_compute_dtype(const Napi::CallbackInfo& info) {
  const bool bf16 = info[0].As<Napi::String>().Utf8Value() == "bf16", now_bf16 = active_isa() == Isa::amx_bf16;
  return Napi::Boolean::New(info.Env(), bf16 == now_bf16 || set_active_isa(bf16 ? Isa::amx_bf16 : eight_bit_isa()));
}

Napi::Value compute_dtype(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), active_isa() == Isa::amx_bf16 ? "bf16" : "int8");
}

Napi::Value cores(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), available_cores()); }

Napi::Object init(Napi::Env env, Napi::Object exports) {
  define_attention_engine(env);
  define_ffn_engine(env);
  define_attention_layers(env);
  define_ffn_layers(env);
  exports.Set("createAttentionEngine", Napi::Function::New<create_attention_engine>(env));
  exports.Set("createFfnEngine", Napi::Function::New<create_ffn_engine>(env));
  exports.Set("createAttentionLayers", Napi::Function::New<create_attention_layers>(env));
  exports.Set("createFfnLayers", Napi::Function::New<create_ffn_layers>(env));
  exports.Set("decodeFrame", Napi::Function::New<decode_frame_status>(env));
  exports.Set("hostId", Napi::Function::New<host_id>(env));
  exports.Set("isaName", Napi::Function::New<isa>(env));
  exports.Set("setComputeDtype", Napi::Function::New<set_compute_dtype>(env));
  exports.Set("computeDtype", Napi::Function::New<compute_dtype>(env));
  exports.Set("availableCores", Napi::Function::New<cores>(env));
  exports.Set("placeProcess", Napi::Function::New<place_process_call>(env));
  exports.Set("serveHops", Napi::Function::New<serve_hops>(env));
  exports.Set("measureHops", Napi::Function::New<measure_hops>(env));
  return exports;
}

}  // namespace

}  // namespace tandem

static Napi::Object init_addon(Napi::Env env, Napi::Object exports) { return tandem::init(env, exports); }
NODE_API_MODULE(tandem_native, init_addon)
