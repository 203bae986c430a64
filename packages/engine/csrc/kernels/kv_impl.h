// Owns reading and writing KV blocks in every KvDtype, over the 16-lane vector. Layout: KvLayout in attention.h.
#pragma once

#include "kernels/attention.h"
#include "kernels/fp8.h"
#include "kernels/kv_int8_impl.h"

namespace tandem {
namespace {

/** 16 elements at p. */
template <KvDtype D>
inline F kv_load(const uint8_t* p) {
  if constexpr (D == KvDtype::f32) return f_load(reinterpret_cast<const float*>(p));
  if constexpr (D == KvDtype::f16) return f_load_f16(reinterpret_cast<const uint16_t*>(p));
  if constexpr (D == KvDtype::bf16) return f_load_bf16(reinterpret_cast<const uint16_t*>(p));
  if constexpr (D == KvDtype::fp8) return f_mul(f_load_fp8_scaled(p), f_set1(kFp8Scale));
}

/** Elements [d, d + 16) of a latent row of `dim` elements. */
template <KvDtype D>
inline F kv_load_latent(const uint8_t* row, size_t d, size_t dim) {
  if constexpr (D == KvDtype::int8) return int8_load_latent(row, d, dim);
  else return kv_load<D>(row + d * kv_element_bytes(D));
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
    case KvDtype::int8: return call(KvTag<KvDtype::int8>{});
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

/** Elements [d, 16 tokens] of a group of 16 keys. */
template <KvDtype D>
inline F kv_load_keys(const uint8_t* group, size_t d) {
  if constexpr (D == KvDtype::bf16) return f_load_bf16_of_pairs(reinterpret_cast<const uint16_t*>(group + d / 2 * 64), d % 2 != 0);
  else return kv_load<D>(group + d * 16 * kv_element_bytes(D));
}

/** Elements [d, d + 16) of a token's value; bf16: `row` is its pair's. */
template <KvDtype D>
inline F kv_load_value(const uint8_t* row, size_t token, size_t d) {
  if constexpr (D == KvDtype::bf16) return f_load_bf16_of_pairs(reinterpret_cast<const uint16_t*>(row + d * 4), token % 2 != 0);
  else return kv_load<D>(row + d * kv_element_bytes(D));
}

/** Address of a block's parts, in bytes from the block's start. */
struct KvAddress {
  explicit KvAddress(const KvLayout& layout)
      : layout(layout), element(kv_element_bytes(layout.dtype)), key_bytes(layout.vector_bytes(layout.key_dim)),
        value_bytes(layout.vector_bytes(layout.value_dim)),
        key_step(layout.dtype == KvDtype::int8 || layout.dtype == KvDtype::bf16 ? 2 * element : element),
        values_together(layout.dtype == KvDtype::int8 ? 16 : layout.dtype == KvDtype::bf16 ? 2 : 1) {}
  /** gqa: key element 0 of token `offset`; mla: the token's row. */
  size_t key(size_t head, size_t offset) const {
    if (layout.mla) return offset * key_bytes;
    return (head * layout.block_size + offset / 16 * 16) * key_bytes + offset % 16 * key_step;
  }
  /** Value of token `offset`; gqa bf16: of its pair; gqa int8: of its group of 16. */
  size_t value(size_t head, size_t offset) const {
    if (layout.mla) return offset * key_bytes;
    const size_t token = offset / values_together * values_together;
    return layout.num_kv_heads * layout.block_size * key_bytes + (head * layout.block_size + token) * value_bytes;
  }
  const KvLayout& layout;
  size_t element, key_bytes, value_bytes;
  /** gqa: bytes from a token's key to the next one's, within a group of 16; tokens whose values lie in one another. */
  size_t key_step, values_together;
};

/** 16 / kTogether times kTogether elements, strides in elements. */
template <KvDtype D, size_t kToStride, size_t kFromStride, size_t kTogether = 1>
inline void copy_strided(uint8_t* to, const uint8_t* from) {
  constexpr size_t bytes = kv_element_bytes(D);
#pragma GCC unroll 16
  for (size_t i = 0; i < 16 / kTogether; i++) {
    __builtin_memcpy(to + i * kToStride * bytes, from + i * kFromStride * bytes, bytes * kTogether);
  }
}

template <KvDtype D>
void kv_write_as(const KvLayout& layout, uint8_t* pool, size_t slot, const float* key, const float* value) {
  const KvAddress at(layout);
  uint8_t* block = pool + slot / layout.block_size * layout.block_bytes();
  const size_t offset = slot % layout.block_size;
  alignas(64) uint8_t encoded[64];
  for (size_t h = 0; h < layout.num_kv_heads; h++) {
    uint8_t* key_at = block + at.key(h, offset);
    for (size_t d = 0; d < layout.key_dim; d += 16) {
      const F lanes = f_load(key + h * layout.key_dim + d);
      if (layout.mla) {
        kv_encode<D>(lanes, key_at + d * at.element);
        continue;
      }
      kv_encode<D>(lanes, encoded);
      if constexpr (D == KvDtype::bf16) copy_strided<D, 32, 2, 2>(key_at + d * 16 * at.element, encoded);
      else copy_strided<D, 16, 1>(key_at + d * 16 * at.element, encoded);
    }
    if (layout.mla) continue;
    uint8_t* value_at = block + at.value(h, offset);
    for (size_t d = 0; d < layout.value_dim; d += 16) {
      const F lanes = f_load(value + h * layout.value_dim + d);
      if constexpr (D == KvDtype::bf16) {
        kv_encode<D>(lanes, encoded);
        copy_strided<D, 2, 1>(value_at + (2 * d + offset % 2) * at.element, encoded);
      } else {
        kv_encode<D>(lanes, value_at + d * at.element);
      }
    }
  }
}

template <>
void kv_write_as<KvDtype::int8>(const KvLayout& layout, uint8_t* pool, size_t slot, const float* key, const float* value) {
  const KvAddress at(layout);
  uint8_t* block = pool + slot / layout.block_size * layout.block_bytes();
  const size_t offset = slot % layout.block_size;
  if (layout.mla) return int8_write_latent(key, layout.key_dim, block + at.key(0, offset));
  for (size_t h = 0; h < layout.num_kv_heads; h++) {
    int8_write_key(key + h * layout.key_dim, layout.key_dim, block + at.key(h, offset / 16 * 16), offset % 16);
    int8_write_value(value + h * layout.value_dim, layout.value_dim, block + at.value(h, offset), offset % 16);
  }
}

void kv_write_impl(const KvLayout& layout, uint8_t* pool, size_t slot, const float* key, const float* value) {
  with_kv_dtype(layout.dtype, [&](auto tag) { kv_write_as<decltype(tag)::value>(layout, pool, slot, key, value); });
}

template <KvDtype D>
void kv_read_as(const KvLayout& layout, const uint8_t* pool, size_t slot, float* key, float* value) {
  const KvAddress at(layout);
  const uint8_t* block = pool + slot / layout.block_size * layout.block_bytes();
  const size_t offset = slot % layout.block_size;
  alignas(64) uint8_t encoded[64];
  for (size_t h = 0; h < layout.num_kv_heads; h++) {
    for (size_t d = 0; d < layout.key_dim; d += 16) {
      const uint8_t* key_at = block + at.key(h, offset) + d * 16 * at.element;
      if constexpr (D == KvDtype::bf16) copy_strided<D, 2, 32, 2>(encoded, key_at);
      else copy_strided<D, 1, 16>(encoded, key_at);
      f_store(key + h * layout.key_dim + d, kv_load<D>(encoded));
    }
    if (value == nullptr) continue;
    for (size_t d = 0; d < layout.value_dim; d += 16) {
      f_store(value + h * layout.value_dim + d, kv_load_value<D>(block + at.value(h, offset), offset, d));
    }
  }
}

template <>
void kv_read_as<KvDtype::int8>(const KvLayout& layout, const uint8_t* pool, size_t slot, float* key, float* value) {
  const KvAddress at(layout);
  const uint8_t* block = pool + slot / layout.block_size * layout.block_bytes();
  const size_t offset = slot % layout.block_size;
  for (size_t h = 0; h < layout.num_kv_heads; h++) {
    int8_read_key(block + at.key(h, offset / 16 * 16), layout.key_dim, offset % 16, key + h * layout.key_dim);
    if (value == nullptr) continue;
    for (size_t d = 0; d < layout.value_dim; d += 16) {
      int8_read_value(block + at.value(h, offset), layout.value_dim, offset % 16, d, value + h * layout.value_dim + d);
    }
  }
}

template <KvDtype D>
void latent_read_as(const KvLayout& layout, const uint8_t* pool, size_t slot, float* key, float* value) {
  const KvAddress at(layout);
  const uint8_t* row = pool + slot / layout.block_size * layout.block_bytes() + at.key(0, slot % layout.block_size);
  for (size_t d = 0; d < layout.key_dim; d += 16) {
    const F elements = kv_load_latent<D>(row, d, layout.key_dim);
    f_store(key + d, elements);
    if (value != nullptr && d < layout.value_dim) f_store(value + d, elements);
  }
}

void kv_read_impl(const KvLayout& layout, const uint8_t* pool, size_t slot, float* key, float* value) {
  with_kv_dtype(layout.dtype, [&](auto tag) {
    constexpr KvDtype kDtype = decltype(tag)::value;
    if (layout.mla) latent_read_as<kDtype>(layout, pool, slot, key, value);
    else kv_read_as<kDtype>(layout, pool, slot, key, value);
  });
}

}  // namespace
}  // namespace tandem
