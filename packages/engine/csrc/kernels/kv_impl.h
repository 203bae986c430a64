// Owns reading and writing KV blocks in every KvDtype, over the 16-lane vector. Layout: KvLayout in attention.h.
#pragma once

#include "kernels/attention.h"
#include "kernels/fp8.h"

namespace tandem {
namespace {

/** 16 elements at p. */
template <KvDtype D>
inline F kv_load(const uint8_t* p) {
  if constexpr (D == KvDtype::f32) return f_load(reinterpret_cast<const float*>(p));
  if constexpr (D == KvDtype::f16) return f_load_f16(reinterpret_cast<const uint16_t*>(p));
  if constexpr (D == KvDtype::bf16) return f_load_bf16(reinterpret_cast<const uint16_t*>(p));
  return f_mul(f_load_fp8_scaled(p), f_set1(kFp8Scale));
}

/** Calls call(std::integral_constant-like tag of the dtype): one instantiation per KvDtype. */
template <KvDtype D> struct KvTag { static constexpr KvDtype value = D; };
template <typename Call>
inline void with_kv_dtype(KvDtype dtype, Call&& call) {
  switch (dtype) {
    case KvDtype::f32: return call(KvTag<KvDtype::f32>{});
    case KvDtype::f16: return call(KvTag<KvDtype::f16>{});
    case KvDtype::bf16: return call(KvTag<KvDtype::bf16>{});
    case KvDtype::fp8: return call(KvTag<KvDtype::fp8>{});
  }
}

/** Encodes 16 floats (f16, bf16 and fp8 saturate or round half to even) to `out`, 16 elements. */
template <KvDtype D>
inline void kv_encode(F value, uint8_t* out) {
  if constexpr (D == KvDtype::f32) f_store(reinterpret_cast<float*>(out), value);
  if constexpr (D == KvDtype::f16) f_store_f16(reinterpret_cast<uint16_t*>(out), value);
  if constexpr (D == KvDtype::bf16) f_store_bf16(reinterpret_cast<uint16_t*>(out), value);
  if constexpr (D == KvDtype::fp8) {
    alignas(64) float values[16];
    f_store(values, value);
    for (int i = 0; i < 16; i++) out[i] = float_to_fp8(values[i]);
  }
}

/** Address of a block's parts, in bytes from the block's start. */
struct KvAddress {
  explicit KvAddress(const KvLayout& layout) : layout(layout), element(kv_element_bytes(layout.dtype)) {}
  /** gqa: key element 0 of token `offset` (elements of one key are 16 apart); mla: the token's row. */
  size_t key(size_t head, size_t offset) const {
    if (layout.mla) return offset * layout.key_dim * element;
    return ((head * layout.block_size + offset / 16 * 16) * layout.key_dim + offset % 16) * element;
  }
  size_t value(size_t head, size_t offset) const {
    if (layout.mla) return offset * layout.key_dim * element;
    return (layout.num_kv_heads * layout.block_size * layout.key_dim + (head * layout.block_size + offset) * layout.value_dim) * element;
  }
  const KvLayout& layout;
  size_t element;
};

/** 16 elements, strides in elements. */
template <KvDtype D, size_t kToStride, size_t kFromStride>
inline void copy_strided(uint8_t* to, const uint8_t* from) {
  constexpr size_t bytes = kv_element_bytes(D);
#pragma GCC unroll 16
  for (size_t i = 0; i < 16; i++) __builtin_memcpy(to + i * kToStride * bytes, from + i * kFromStride * bytes, bytes);
}

template <KvDtype D>
void kv_write_as(const KvLayout& layout, uint8_t* pool, size_t slot, const float* key, const float* value) {
  const KvAddress at(layout);
  uint8_t* block = pool + slot / layout.block_size * layout.block_bytes();
  const size_t offset = slot % layout.block_size;
  alignas(64) uint8_t encoded[64];
  for (size_t h = 0; h < layout.num_kv_heads; h++) {
    for (size_t d = 0; d < layout.key_dim; d += 16) {
      const F lanes = f_load(key + h * layout.key_dim + d);
      if (layout.mla) {
        kv_encode<D>(lanes, block + at.key(h, offset) + d * at.element);
      } else {
        kv_encode<D>(lanes, encoded);
        copy_strided<D, 16, 1>(block + at.key(h, offset) + d * 16 * at.element, encoded);
      }
    }
    if (layout.mla) continue;
    for (size_t d = 0; d < layout.value_dim; d += 16) {
      kv_encode<D>(f_load(value + h * layout.value_dim + d), block + at.value(h, offset) + d * at.element);
    }
  }
}

void kv_write_impl(const KvLayout& layout, uint8_t* pool, size_t slot, const float* key, const float* value) {
  with_kv_dtype(layout.dtype, [&](auto tag) { kv_write_as<decltype(tag)::value>(layout, pool, slot, key, value); });
}

void kv_read_impl(const KvLayout& layout, const uint8_t* pool, size_t slot, float* key, float* value) {
  const KvAddress at(layout);
  const uint8_t* block = pool + slot / layout.block_size * layout.block_bytes();
  const size_t offset = slot % layout.block_size;
  with_kv_dtype(layout.dtype, [&](auto tag) {
    alignas(64) uint8_t encoded[64];
    for (size_t h = 0; h < layout.num_kv_heads; h++) {
      for (size_t d = 0; d < layout.key_dim; d += 16) {
        constexpr KvDtype kDtype = decltype(tag)::value;
        const uint8_t* from = block + at.key(h, offset) + d * (layout.mla ? 1 : 16) * at.element;
        if (layout.mla) copy_strided<kDtype, 1, 1>(encoded, from);
        else copy_strided<kDtype, 1, 16>(encoded, from);
        f_store(key + h * layout.key_dim + d, kv_load<decltype(tag)::value>(encoded));
      }
      if (value == nullptr) continue;
      for (size_t d = 0; d < layout.value_dim; d += 16) {
        f_store(value + h * layout.value_dim + d, kv_load<decltype(tag)::value>(block + at.value(h, offset) + d * at.element));
      }
    }
  });
}

}  // namespace
}  // namespace tandem
