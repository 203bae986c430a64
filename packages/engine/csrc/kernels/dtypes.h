// Owns the storage types of weights and KV cache and their block sizes. The order of TensorDtype is that of
// `tensorDtypes` in packages/model/src/weights.ts, so an index crosses the boundary as a plain number.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {

enum class TensorDtype : int32_t {
  f32 = 0, f16, bf16, f8_e4m3, q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k
};
constexpr int kNumTensorDtypes = 12;

enum class KvDtype : int32_t { f32 = 0, f16, bf16, fp8, int8 };

/** Elements that share one storage block: 1, 32 or 256. Column ranges of a matrix are cut at multiples of it. */
constexpr size_t block_elements(TensorDtype dtype) {
  switch (dtype) {
    case TensorDtype::f32: case TensorDtype::f16: case TensorDtype::bf16: case TensorDtype::f8_e4m3: return 1;
    case TensorDtype::q4_k: case TensorDtype::q5_k: case TensorDtype::q6_k: return 256;
    default: return 32;
  }
}

/** Bytes of one storage block in the file. */
constexpr size_t block_bytes(TensorDtype dtype) {
  switch (dtype) {
    case TensorDtype::f32: return 4;
    case TensorDtype::f16: case TensorDtype::bf16: return 2;
    case TensorDtype::f8_e4m3: return 1;
    case TensorDtype::q8_0: return 34;
    case TensorDtype::q4_0: return 18;
    case TensorDtype::q4_1: return 20;
    case TensorDtype::q5_0: return 22;
    case TensorDtype::q5_1: return 24;
    case TensorDtype::q4_k: return 144;
    case TensorDtype::q5_k: return 176;
    case TensorDtype::q6_k: return 210;
  }
  return 0;
}

/** Quantised types multiply with 8-bit activations (QuantBlock); the others with float32 ones. */
constexpr bool is_quantized(TensorDtype dtype) { return block_elements(dtype) > 1; }

constexpr size_t kv_element_bytes(KvDtype dtype) {
  switch (dtype) {
    case KvDtype::f32: return 4;
    case KvDtype::f16: case KvDtype::bf16: return 2;
    case KvDtype::fp8: case KvDtype::int8: return 1;
  }
  return 0;
}

/** Elements of a key or a value that share a scale in an int8 cache; the last of a vector may be fewer. */
constexpr size_t kKvGroup = 32;
/** Bytes of a vector's scales (bf16): none but for int8. */
constexpr size_t kv_scale_bytes(KvDtype dtype, size_t dim) {
  return dtype == KvDtype::int8 ? (dim + kKvGroup - 1) / kKvGroup * 2 : 0;
}

}  // namespace tandem
