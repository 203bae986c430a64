// Owns the test addon's entry: the kernels as plain functions over typed arrays, for parity tests and benches. Nothing that serves
// requests loads it.
#include "kernels/isa.h"
#include "test/addon/arguments.h"

namespace tandem {
namespace {

Napi::Value isa_available_js(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), isa_available(static_cast<Isa>(size_at(info, 0))));
}
Napi::Value set_isa_js(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), set_active_isa(static_cast<Isa>(size_at(info, 0))));
}
Napi::Value active_isa_js(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), static_cast<int>(active_isa())); }
Napi::Value isa_name_js(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), isa_name(static_cast<Isa>(size_at(info, 0)))); }

Napi::Object init(Napi::Env env, Napi::Object exports) {
  add(exports, "isaAvailable", isa_available_js);
  add(exports, "setIsa", set_isa_js);
  add(exports, "activeIsa", active_isa_js);
  add(exports, "isaName", isa_name_js);
  register_products(env, exports);
  register_rows(env, exports);
  register_attention(env, exports);
  register_sampling(env, exports);
  register_benches(env, exports);
  register_placement(env, exports);
  return exports;
}

}  // namespace
}  // namespace tandem

static Napi::Object init_addon(Napi::Env env, Napi::Object exports) { return tandem::init(env, exports); }
NODE_API_MODULE(tandem_kernels, init_addon)
