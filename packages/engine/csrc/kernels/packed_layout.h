// Owns where things lie inside a panel of a PackedMatrix (16 output columns, all inputs). Shared by packing and kernels.
//
// Quantised panel, nb blocks of 32 inputs, sections one after the other, each 64-byte aligned:
//   codes   4, 5 and 6 bit: 256 bytes a block. Group g = 4 inputs; vector v = g % 4 of 64 bytes holds group v in its low and
//           group v + 4 in its high nibbles; byte column * 4 + j is input 4 * g + j of that column.
//           Q8_0: 512 bytes a block, group g at 64 * g, signed.
//   high    Q5: 8 bytes a group, bit column * 4 + j. Q6_K: vector g / 4 of 64 bytes, bits 2 * (g % 4) of byte column * 4 + j.
//   scales  per block and column. f16 d[16] (Q8_0, Q4_0, Q5_0); f16 d[16] m[16] (Q4_1, Q5_1); u8 scale[16] min[16]
//           (Q4_K, Q5_K); i8 low[16] high[16] (Q6_K, one scale per 16 inputs).
//   supers  K types, per 256 inputs: f16 d[16], f16 dmin[16] (Q6_K: d[16] only).
// Float panel: values [inputs][16], then for F8_E4M3 float32 scales [scale blocks][16]. 32 inputs of BF16 may be read as the codes of a block.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/dtypes.h"
#include "kernels/packed_matrix.h"

namespace tandem {

constexpr size_t align64(size_t bytes) { return (bytes + 63) / 64 * 64; }
constexpr size_t kGroups = 8;
constexpr size_t kBlocksPerSuper = 8;

struct QuantLayout {
  size_t codes_bytes, high_bytes, scale_bytes;  // per block
  size_t super_bytes;                           // per 8 blocks
};

constexpr QuantLayout quant_layout(TensorDtype dtype) {
  switch (dtype) {
    case TensorDtype::q8_0: return {512, 0, 32, 0};
    case TensorDtype::q4_0: return {256, 0, 32, 0};
    case TensorDtype::q4_1: return {256, 0, 64, 0};
    case TensorDtype::q5_0: return {256, 64, 32, 0};
    case TensorDtype::q5_1: return {256, 64, 64, 0};
    case TensorDtype::q4_k: return {256, 0, 32, 64};
    case TensorDtype::q5_k: return {256, 64, 32, 64};
    case TensorDtype::q6_k: return {256, 128, 32, 32};
    case TensorDtype::bf16: return {32 * kPanel * 2, 0, 0, 0};
    default: return {0, 0, 0, 0};
  }
}

/** value = d * code + m (a minimum), or d * (code - offset). */
constexpr bool has_minimum(TensorDtype dtype) {
  return dtype == TensorDtype::q4_1 || dtype == TensorDtype::q5_1 || dtype == TensorDtype::q4_k || dtype == TensorDtype::q5_k;
}
constexpr int code_offset(TensorDtype dtype) {
  switch (dtype) {
    case TensorDtype::q4_0: return 8;
    case TensorDtype::q5_0: return 16;
    case TensorDtype::q6_k: return 32;
    default: return 0;
  }
}

/** Largest size of a code without its offset. */
constexpr int largest_code(TensorDtype dtype) {
  switch (dtype) {
    case TensorDtype::q8_0: return 128;
    case TensorDtype::q5_1: case TensorDtype::q5_k: return 31;
    case TensorDtype::q4_1: case TensorDtype::q4_k: return 15;
    default: return code_offset(dtype);
  }
}

struct QuantPanel {
  const uint8_t* codes;
  const uint8_t* high;
  const uint8_t* scales;
  const uint8_t* supers;
  /** Bytes to the same place in the next panel: what a product prefetches while it works on this one. */
  size_t to_next;
};

inline size_t quant_panel_bytes(TensorDtype dtype, size_t num_blocks) {
  const QuantLayout layout = quant_layout(dtype);
  return align64(layout.codes_bytes * num_blocks) + align64(layout.high_bytes * num_blocks) +
         align64(layout.scale_bytes * num_blocks) + align64(layout.super_bytes * (num_blocks / kBlocksPerSuper));
}

inline QuantPanel quant_panel_at(TensorDtype dtype, const uint8_t* panel, size_t num_blocks) {
  const QuantLayout layout = quant_layout(dtype);
  const uint8_t* high = panel + align64(layout.codes_bytes * num_blocks);
  const uint8_t* scales = high + align64(layout.high_bytes * num_blocks);
  return {panel, high, scales, scales + align64(layout.scale_bytes * num_blocks), quant_panel_bytes(dtype, num_blocks)};
}

inline QuantPanel panel_after(const QuantPanel& panel) {
  return {panel.codes + panel.to_next, panel.high + panel.to_next, panel.scales + panel.to_next, panel.supers + panel.to_next, panel.to_next};
}

/** Spreads the prefetches of a panel evenly over the `period` row tiles that work on it: this tile takes every period-th block. */
struct PrefetchTurn {
  size_t wait, period;
  bool due() {
    if (wait-- != 0) return false;
    wait = period - 1;
    return true;
  }
};
constexpr PrefetchTurn kNoPrefetch = {SIZE_MAX, 1};

/**
 * Asks for block b of the panel kTogether further on, where a product takes that many at once. Panels are a few kilobytes in three
 * sections: too short for the hardware to see the stream in time. Past the last panel the address may be anything; a prefetch never faults.
 */
template <TensorDtype D, size_t kTogether = 1>
inline void prefetch_next(const QuantPanel& panel, size_t b) {
  constexpr QuantLayout layout = quant_layout(D);
  const size_t ahead = kTogether * panel.to_next;
  const auto fetch = [ahead](const uint8_t* p) { __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p) + ahead), 0, 2); };
  for (size_t i = 0; i < layout.codes_bytes; i += 64) fetch(panel.codes + b * layout.codes_bytes + i);
  for (size_t i = 0; i < layout.high_bytes; i += 64) fetch(panel.high + b * layout.high_bytes + i);
  if constexpr (layout.scale_bytes > 0) fetch(panel.scales + b * layout.scale_bytes);
}

struct FloatPanel {
  TensorDtype dtype;
  const uint8_t* values;
  /** Bytes from one panel to the next. */
  size_t to_next;
  /** f8_e4m3 only: scale of input k is scales[(k + scale_offset) / scale_block][column]. */
  const float* scales;
  size_t scale_block, scale_offset;
};

inline FloatPanel float_panel_at(const PackedMatrix& matrix, size_t panel_idx) {
  const uint8_t* values = matrix.data() + panel_idx * matrix.panel_bytes();
  const size_t values_bytes = align64(matrix.num_inputs() * kPanel * block_bytes(matrix.dtype()));
  return {matrix.dtype(), values, matrix.panel_bytes(), reinterpret_cast<const float*>(values + values_bytes), matrix.scale_block(),
          matrix.scale_offset()};
}

}  // namespace tandem
