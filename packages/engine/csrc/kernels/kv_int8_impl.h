// Owns how an int8 KV cache codes vectors: groups of kKvGroup elements share a scale, the group's largest magnitude / 127 in bf16, and an
// element is code * scale, code in [-127, 127]. Keys of gqa are rotated before, by a Hadamard matrix as in QuaRot (arXiv 2404.00456): a
// channel that is much larger than the others would take the precision of its whole group; queries rotated alike give the same products.
// Written once over the 16-lane vector. Layout: KvLayout in attention.h.
#pragma once

#include "kernels/attention.h"

namespace tandem {
namespace {

/** A group on its way into the cache. */
struct Int8Group {
  alignas(32) int8_t codes[kKvGroup];
  uint16_t scale;  // bf16
};

constexpr size_t kv_groups(size_t dim) { return (dim + kKvGroup - 1) / kKvGroup; }

inline float bf16_scale(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float scale;
  __builtin_memcpy(&scale, &wide, 4);
  return scale;
}

/** Codes elements [d, d + kKvGroup) of a vector, or as many as there are: 16 at least. */
inline Int8Group int8_encode(const float* vector, size_t d, size_t dim) {
  const F low = f_load(vector + d), high = d + 16 < dim ? f_load(vector + d + 16) : f_zero();
  Int8Group group;
  alignas(64) uint16_t scales[16];
  f_store_bf16(scales, f_set1(f_reduce_max(f_max(f_abs(low), f_abs(high))) * (1.0f / 127)));
  group.scale = scales[0];
  // Below the smallest step 1 / step could overflow; such a group is zero for every purpose. Rounding the scale moves a code by 0.25 at most.
  const F step = f_set1(bf16_scale(group.scale));
  const F inverse = f_zero_below(f_div(f_set1(1.0f), step), step, f_set1(1e-32f));
  // The bounds are for infinities and NaN.
  const auto codes = [inverse](F x) { return f_min(f_max(f_mul(x, inverse), f_set1(-127.0f)), f_set1(127.0f)); };
  f_store_i8(group.codes, codes(low));
  f_store_i8(group.codes + 16, codes(high));
  return group;
}

/** Elements that are rotated together: the largest power of two that divides the vector's length. */
constexpr size_t rotation_width(size_t dim) { return dim & (~dim + 1); }

/** x[i] and x[i ^ kDistance] become their sum and their difference. */
template <int kDistance>
inline F butterfly(F x) {
  alignas(64) static constexpr auto kSigns = [] {
    struct { float v[16]; } signs{};
    for (int i = 0; i < 16; i++) signs.v[i] = (i & kDistance) == 0 ? 1.0f : -1.0f;
    return signs;
  }();
  return f_fma(x, f_load(kSigns.v), f_swap<kDistance>(x));
}

/** Multiplies each rotation_width(dim) elements by the Hadamard matrix of 1 and -1. Twice is the original times rotation_width(dim). */
inline void rotate(const float* x, size_t dim, float* out) {
  for (size_t d = 0; d < dim; d += 16) f_store(out + d, butterfly<1>(butterfly<2>(butterfly<4>(butterfly<8>(f_load(x + d))))));
  for (size_t half = 16; half < rotation_width(dim); half *= 2) {
    for (size_t first = 0; first < dim; first += 2 * half) {
      for (size_t d = first; d < first + half; d += 16) {
        const F a = f_load(out + d), b = f_load(out + d + half);
        f_store(out + d, f_add(a, b));
        f_store(out + d + half, f_sub(a, b));
      }
    }
  }
}

/** Calls visit(group_idx, first element, elements) for each group of a vector. */
template <typename Visit>
inline void for_groups(size_t dim, Visit&& visit) {
  for (size_t g = 0, d = 0; d < dim; g++, d += kKvGroup) visit(g, d, dim - d < kKvGroup ? dim - d : kKvGroup);
}

/** Address of the scale of one token in a group of 16 whose codes take `dim` bytes a token. */
inline size_t scale_offset(size_t dim, size_t group, size_t token) { return 16 * dim + (group * 16 + token) * 2; }

/** tokens: the group of 16 tokens' keys. */
inline void int8_write_key(const float* key, size_t dim, uint8_t* tokens, size_t token) {
  alignas(64) float rotated[kMaxInt8KeyDim];
  rotate(key, dim, rotated);
  for_groups(dim, [&](size_t g, size_t d, size_t count) {
    const Int8Group group = int8_encode(rotated, d, dim);
    for (size_t i = 0; i < count; i += 2) __builtin_memcpy(tokens + (d + i) * 16 + token * 2, group.codes + i, 2);
    __builtin_memcpy(tokens + scale_offset(dim, g, token), &group.scale, 2);
  });
}

/** tokens: the group of 16 tokens' values. */
inline void int8_write_value(const float* value, size_t dim, uint8_t* tokens, size_t token) {
  uint8_t* pair = tokens + token / 2 * dim * 2 + token % 2;
  for_groups(dim, [&](size_t g, size_t d, size_t count) {
    const Int8Group group = int8_encode(value, d, dim);
    for (size_t i = 0; i < count; i++) pair[(d + i) * 2] = static_cast<uint8_t>(group.codes[i]);
    __builtin_memcpy(tokens + scale_offset(dim, g, token), &group.scale, 2);
  });
}

inline void int8_write_latent(const float* latent, size_t dim, uint8_t* row) {
  for_groups(dim, [&](size_t g, size_t d, size_t count) {
    const Int8Group group = int8_encode(latent, d, dim);
    __builtin_memcpy(row + d, group.codes, count);
    __builtin_memcpy(row + dim + g * 2, &group.scale, 2);
  });
}

/** Elements [d, d + 16) of a latent row. */
inline F int8_load_latent(const uint8_t* row, size_t d, size_t dim) {
  uint16_t scale;
  __builtin_memcpy(&scale, row + dim + d / kKvGroup * 2, 2);
  return f_mul(f_load_i8(reinterpret_cast<const int8_t*>(row + d)), f_set1(bf16_scale(scale)));
}

/** 16 codes and their scale to numbers. */
inline void int8_decode(const int8_t* codes, const uint8_t* scale_at, float* out) {
  uint16_t scale;
  __builtin_memcpy(&scale, scale_at, 2);
  f_store(out, f_mul(f_load_i8(codes), f_set1(bf16_scale(scale))));
}

/** out: a token's key, [dim]. */
inline void int8_read_key(const uint8_t* tokens, size_t dim, size_t token, float* out) {
  for (size_t d = 0; d < dim; d += 16) {
    int8_t codes[16];
    for (size_t i = 0; i < 16; i += 2) __builtin_memcpy(codes + i, tokens + (d + i) * 16 + token * 2, 2);
    int8_decode(codes, tokens + scale_offset(dim, d / kKvGroup, token), out + d);
  }
  rotate(out, dim, out);
  const F inverse = f_set1(1.0f / static_cast<float>(rotation_width(dim)));
  for (size_t d = 0; d < dim; d += 16) f_store(out + d, f_mul(f_load(out + d), inverse));
}

/** out: elements [d, d + 16) of a token's value. */
inline void int8_read_value(const uint8_t* tokens, size_t dim, size_t token, size_t d, float* out) {
  int8_t codes[16];
  for (size_t i = 0; i < 16; i++) codes[i] = static_cast<int8_t>(tokens[token / 2 * dim * 2 + (d + i) * 2 + token % 2]);
  int8_decode(codes, tokens + scale_offset(dim, d / kKvGroup, token), out);
}

}  // namespace
}  // namespace tandem
