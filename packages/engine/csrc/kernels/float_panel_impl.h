// Owns the product of float32 activations with one float panel, written once over the 16-lane vector. y[r][c] is one chain of
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
    for (size_t i = 0; i < count; i++) {
      const F scale = f_load(panel.scales + (k + i + panel.scale_offset) / panel.scale_block * kPanel);
      f_store(out + 16 * i, f_mul(f_load_fp8(panel.values + first + 16 * i), scale));
    }
  }
}

void float_panel_impl(const FloatPanel& panel, size_t k_begin, size_t k_end, const float* x, size_t stride, size_t num_rows,
                      float* out) {
  alignas(64) float decoded[kFloatChunk * kPanel];
  bool accumulate = false;
  do {
    const size_t count = k_end - k_begin < kFloatChunk ? k_end - k_begin : kFloatChunk;
    const float* weights = decoded;
    if (panel.dtype == TensorDtype::f32) weights = reinterpret_cast<const float*>(panel.values) + k_begin * kPanel;
    else decode_inputs(panel, k_begin, count, decoded);
    auto load = [weights](size_t k, size_t) { return f_load(weights + kPanel * k); };
    tile_rows(load, 1, count, {x + k_begin, stride, 1}, {out, kPanel, accumulate}, num_rows);
    accumulate = true;
    k_begin += count;
  } while (k_begin < k_end);
}

}  // namespace
}  // namespace tandem
