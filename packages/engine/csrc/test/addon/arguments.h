// Owns reading the test addon's arguments: typed arrays and numbers out of a call, results back. Shapes are the caller's word.
#pragma once

#include <napi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/activations.h"
#include "kernels/packed_matrix.h"

namespace tandem {

inline size_t size_at(const Napi::CallbackInfo& info, size_t i) { return static_cast<size_t>(info[i].ToNumber().Int64Value()); }
inline double number_at(const Napi::CallbackInfo& info, size_t i) { return info[i].ToNumber().DoubleValue(); }
inline bool flag_at(const Napi::CallbackInfo& info, size_t i) { return info[i].ToBoolean().Value(); }
inline float* floats_at(const Napi::CallbackInfo& info, size_t i) { return info[i].As<Napi::Float32Array>().Data(); }
inline int32_t* ints_at(const Napi::CallbackInfo& info, size_t i) { return info[i].As<Napi::Int32Array>().Data(); }
inline Napi::Object object_at(const Napi::CallbackInfo& info, size_t i) { return info[i].As<Napi::Object>(); }
inline double number_of(const Napi::Object& object, const char* key) { return object.Get(key).ToNumber().DoubleValue(); }
inline size_t size_of(const Napi::Object& object, const char* key) { return static_cast<size_t>(number_of(object, key)); }
inline bool flag_of(const Napi::Object& object, const char* key) { return object.Get(key).ToBoolean().Value(); }

inline PackedMatrix& matrix_at(const Napi::CallbackInfo& info, size_t i) { return *info[i].As<Napi::External<PackedMatrix>>().Data(); }

/** Float rows, or their quantised form when the matrix asks for it. */
class TestRows {
 public:
  TestRows(const PackedMatrix& matrix, const float* x, size_t num_rows) {
    const size_t columns = matrix.num_inputs();
    if (matrix.reads_blocks()) {
      const size_t stride = block_stride(columns);
      blocks_.resize(num_rows * stride);
      quantize_rows(x, columns, num_rows, columns, blocks_.data(), stride);
      activations_ = Activations::of(blocks_.data(), stride);
    } else {
      const size_t stride = float_stride(columns);
      values_.resize(num_rows * stride);
      for (size_t row = 0; row < num_rows; row++) std::copy_n(x + row * columns, columns, values_.data() + row * stride);
      activations_ = Activations::of(values_.data(), stride);
    }
  }
  const Activations& activations() const { return activations_; }

 private:
  std::vector<QuantBlock> blocks_;
  std::vector<float> values_;
  Activations activations_;
};

void register_products(Napi::Env env, Napi::Object exports);
void register_rows(Napi::Env env, Napi::Object exports);
void register_attention(Napi::Env env, Napi::Object exports);
void register_sampling(Napi::Env env, Napi::Object exports);
void register_benches(Napi::Env env, Napi::Object exports);
void register_placement(Napi::Env env, Napi::Object exports);

template <typename Method>
void add(Napi::Object exports, const char* name, Method method) {
  exports.Set(name, Napi::Function::New(exports.Env(), method, name));
}

}  // namespace tandem
