// Owns the product of float32 activations with float panels, written once over the 16-lane vector. y[r][c] is one chain of
// fused multiply-adds in ascending k, so neither the row tile nor the chunk of k changes a bit.
#pragma once

#include "kernels/packed_layout.h"
#include "kernels/tile_impl.h"

namespace tandem {
namespace {

/** Inputs decoded to float32 at a time: 128 * 16 floats = 8 KB stay in the first-level cache for all rows. */
constexpr size_t kFloatChunk = 128;

/** Inputs [k, k + count) of the panel as float32 [count][16]; count <= kFloatChunk. */
inline void decode_inputs(const FloatPanel& panel, size_t k, size_t count, float* out) {
  const size_t first = k * kPanel;
  if (panel.dtype == TensorDtype::f16) {
    const uint16_t* values = reinterpret_cast<const uint16_t*>(panel.values) + first;
    for (size_t i = 0; i < count; i++) f_store(out + 16 * i, f_load_f16(values + 16 * i));
  } else if (panel.dtype == TensorDtype::bf16) {
    const uint16_t* values = reinterpret_cast<const uint16_t*>(panel.values) + first;
    for (size_t i = 0; i < count; i++) f_store(out + 16 * i, f_load_bf16(values + 16 * i));
  } else {
    // The block scale changes every scale_block inputs; 2^8 folds into it without rounding.
    for (size_t i = 0; i < count;) {
      const size_t scale_idx = (k + i + panel.scale_offset) / panel.scale_block;
      const size_t end = (scale_idx + 1) * panel.scale_block - panel.scale_offset - k;
      const F scale = f_mul(f_load(panel.scales + scale_idx * kPanel), f_set1(kFp8Scale));
      for (; i < count && i < end; i++) f_store(out + 16 * i, f_mul(f_load_fp8_scaled(panel.values + first + 16 * i), scale));
    }
  }
}

/** Rows up to which half-precision weights are decoded on the way into the product instead of beforehand. */
constexpr size_t kDirectRows = 4;

/** 16 weights of a half-precision panel. */
inline F load_weights(const uint16_t* values, bool bf16) { return bf16 ? f_load_bf16(values) : f_load_f16(values); }

template <bool kBf16>
inline void direct_product(const FloatPanel& first, size_t num_panels, size_t k_begin, size_t k_end, const TileInput& x, float* out,
                           size_t num_rows) {
  // Half a page ahead, as far as one row of bandwidth-bound work looks.
  constexpr size_t kAheadBytes = 2048;
  const uint8_t* weights = first.values + k_begin * kPanel * sizeof(uint16_t);
  const size_t to_next = first.to_next;
  auto load = [weights, to_next](size_t k, size_t panel) {
    const uint8_t* p = weights + panel * to_next + k * kPanel * sizeof(uint16_t);
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p) + kAheadBytes), 0, 3);
    return load_weights(reinterpret_cast<const uint16_t*>(p), kBf16);
  };
  tile_rows(load, num_panels, k_end - k_begin, x, {out, kPanel * num_panels, false}, num_rows);
}

/** num_panels <= kFloatPanels adjacent panels; out[r][16 * num_panels]. */
void float_panels_impl(const FloatPanel& first, size_t num_panels, size_t k_begin, size_t k_end, const float* x, size_t stride,
                       size_t num_rows, float* out) {
  if (kFloatPanels > 1 && num_rows <= kDirectRows) {
    const TileInput rows{x + k_begin, stride, 1};
    if (first.dtype == TensorDtype::bf16) return direct_product<true>(first, num_panels, k_begin, k_end, rows, out, num_rows);
    if (first.dtype == TensorDtype::f16) return direct_product<false>(first, num_panels, k_begin, k_end, rows, out, num_rows);
  }
  alignas(64) float decoded[kFloatPanels][kFloatChunk * kPanel];
  const size_t step_bytes = kPanel * block_bytes(first.dtype);
  bool accumulate = false;
  do {
    const size_t count = k_end - k_begin < kFloatChunk ? k_end - k_begin : kFloatChunk;
    const float* weights = decoded[0];
    size_t to_next = kFloatChunk * kPanel;
    if (first.dtype == TensorDtype::f32) {
      weights = reinterpret_cast<const float*>(first.values) + k_begin * kPanel;
      to_next = first.to_next / sizeof(float);
    } else {
      FloatPanel panel = first;
      for (size_t p = 0; p < num_panels; p++) {
        decode_inputs(panel, k_begin, count, decoded[p]);
        panel.values += first.to_next;
        panel.scales = reinterpret_cast<const float*>(reinterpret_cast<const uint8_t*>(panel.scales) + first.to_next);
      }
    }
    // One chunk ahead: what the next round, or the next panels, will read.
    const auto ahead = reinterpret_cast<uintptr_t>(first.values + (k_begin + kFloatChunk) * step_bytes);
    auto load = [=](size_t k, size_t panel) {
      __builtin_prefetch(reinterpret_cast<const void*>(ahead + panel * first.to_next + k * step_bytes), 0, 2);
      return f_load(weights + panel * to_next + kPanel * k);
    };
    tile_rows(load, num_panels, count, {x + k_begin, stride, 1}, {out, kPanel * num_panels, accumulate}, num_rows);
    accumulate = true;
    k_begin += count;
  } while (k_begin < k_end);
}

}  // namespace
}  // namespace tandem
