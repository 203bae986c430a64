// Owns reading plain data out of JavaScript values. Shapes are checked by the TypeScript wrappers above the
// boundary; a value of another type throws a JavaScript TypeError here and no more.
#pragma once

#include <napi.h>

#include <cstring>
#include <string>
#include <vector>

#include "model/engine_error.h"

namespace tandem {

inline double number_of(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::Number>().DoubleValue();
}
inline size_t size_of(const Napi::Object& object, const char* key) {
  return static_cast<size_t>(number_of(object, key));
}
inline bool bool_of(const Napi::Object& object, const char* key) { return object.Get(key).As<Napi::Boolean>().Value(); }
inline std::string string_of(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::String>().Utf8Value();
}
inline Napi::Object object_of(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::Object>();
}
inline bool has(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  return !value.IsUndefined() && !value.IsNull();
}

template <typename T>
std::vector<T> numbers_of(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<T> numbers;
  numbers.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) {
    numbers.push_back(static_cast<T>(array.Get(i).As<Napi::Number>().DoubleValue()));
  }
  return numbers;
}

template <typename Each>
void for_each(const Napi::Value& value, Each&& each) {
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) each(array.Get(i).As<Napi::Object>());
}

// An Error with `code` and `facts`, which the wrappers turn into a TandemError.
inline Napi::Value to_js_error(Napi::Env env, const EngineError& error) {
  Napi::Object value = Napi::Error::New(env, error.code()).Value();
  Napi::Object facts = Napi::Object::New(env);
  for (const auto& [name, fact] : error.facts()) {
    if (const auto* text = std::get_if<std::string>(&fact)) facts.Set(name, *text);
    else facts.Set(name, std::get<double>(fact));
  }
  value.Set("code", error.code());
  value.Set("facts", facts);
  return value;
}

}  // namespace tandem
