// Owns the product of float32 activations with float panels, written once over the 16-lane vector. y[r][c] is one chain of
// fused multiply-adds in ascending k, so neither the row tile nor the chunk of k changes a bit.
#pragma once

#include "kernels/packed_layout.h"
#include "kernels/tile_impl.h"

namespace tandem {
namespace {

/** Inputs decoded to float32 at a time: 128 * 16 floats = 8 KB stay in the first-level cache for all rows. */
constexpr size_t kFloatChunk = 128;

/** Inputs from k on that share k's block scale, at most `count`; `scale_idx` gets its number. */
inline size_t scale_run(const FloatPanel& panel, size_t k, size_t count, size_t& scale_idx) {
  scale_idx = (k + panel.scale_offset) / panel.scale_block;
  const size_t run = (scale_idx + 1) * panel.scale_block - panel.scale_offset - k;
  return run < count ? run : count;
}

/** A panel's scales of one block, with fp8's 2^8 folded in, which does not round. */
inline F fp8_factor(const float* scales, size_t scale_idx) { return f_mul(f_load(scales + scale_idx * kPanel), f_set1(kFp8Scale)); }

inline const float* next_scales(const FloatPanel& panel, size_t num_panels) {
  return reinterpret_cast<const float*>(reinterpret_cast<const uint8_t*>(panel.scales) + num_panels * panel.to_next);
}

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
    for (size_t i = 0; i < count;) {
      size_t scale_idx = 0;
      const size_t end = i + scale_run(panel, k + i, count - i, scale_idx);
      const F factor = fp8_factor(panel.scales, scale_idx);
      for (; i < end; i++) f_store(out + 16 * i, f_mul(f_load_fp8_scaled(panel.values + first + 16 * i), factor));
    }
  }
}

/** Rows up to which weights are decoded on the way into the product instead of beforehand. */
constexpr size_t kDirectRows = 4;
/** Half a page, as far as one row of bandwidth-bound work looks ahead. */
constexpr size_t kAheadBytes = 2048;

inline void prefetch_ahead(const uint8_t* p) {
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p) + kAheadBytes), 0, 3);
}

/** 16 weights of a half-precision panel. */
inline F load_weights(const uint16_t* values, bool bf16) { return bf16 ? f_load_bf16(values) : f_load_f16(values); }

template <bool kBf16>
inline void direct_half_product(const FloatPanel& first, size_t num_panels, size_t k_begin, size_t k_end, const TileInput& x, float* out,
                           size_t num_rows) {
  const uint8_t* weights = first.values + k_begin * kPanel * sizeof(uint16_t);
  const size_t to_next = first.to_next;
  auto load = [weights, to_next](size_t k, size_t panel) {
    const uint8_t* p = weights + panel * to_next + k * kPanel * sizeof(uint16_t);
    prefetch_ahead(p);
    return load_weights(reinterpret_cast<const uint16_t*>(p), kBf16);
  };
  tile_rows(load, num_panels, k_end - k_begin, x, {out, kPanel * num_panels, false}, num_rows);
}

inline void direct_fp8_product(const FloatPanel& first, size_t num_panels, size_t k_begin, size_t k_end, const float* x, size_t stride,
                               float* out, size_t num_rows) {
  alignas(64) float factors[kFloatPanels * kPanel];
  const float* shared = factors;
  const size_t to_next = first.to_next;
  for (size_t k = k_begin, run; k < k_end; k += run) {
    size_t scale_idx = 0;
    run = scale_run(first, k, k_end - k, scale_idx);
    for (size_t p = 0; p < num_panels; p++) f_store(factors + p * kPanel, fp8_factor(next_scales(first, p), scale_idx));
    const uint8_t* weights = first.values + k * kPanel;
    auto load = [weights, to_next, shared](size_t i, size_t panel) {
      const uint8_t* p = weights + panel * to_next + i * kPanel;
      prefetch_ahead(p);
      return f_mul(f_load_fp8_scaled(p), f_load(shared + panel * kPanel));
    };
    tile_rows(load, num_panels, run, {x + k, stride, 1}, {out, kPanel * num_panels, k > k_begin}, num_rows);
  }
}

/** num_panels <= kFloatPanels adjacent panels; out[r][16 * num_panels]. */
void float_panels_impl(const FloatPanel& first, size_t num_panels, size_t k_begin, size_t k_end, const float* x, size_t stride,
                       size_t num_rows, float* out) {
  if (kFloatPanels > 1 && num_rows <= kDirectRows) {
    const TileInput rows{x + k_begin, stride, 1};
    if (first.dtype == TensorDtype::bf16) return direct_half_product<true>(first, num_panels, k_begin, k_end, rows, out, num_rows);
    if (first.dtype == TensorDtype::f8_e4m3) return direct_fp8_product(first, num_panels, k_begin, k_end, x, stride, out, num_rows);
    if (first.dtype == TensorDtype::f16) return direct_half_product<false>(first, num_panels, k_begin, k_end, rows, out, num_rows);
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
        panel.scales = next_scales(first, p + 1);
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
