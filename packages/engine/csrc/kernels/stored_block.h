// Owns reading one 32-element block of a quantised row as a checkpoint stores it (GGUF's formats), and reading a packed
// panel back, column by column. Plain scalar code: packing, embedding lookup, portable kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/packed_layout.h"

namespace tandem {

/** Codes and scales of 32 elements of one row, still encoded. */
struct StoredBlock {
  /** Unsigned codes; Q8_0: the signed byte. */
  uint8_t codes[32];
  /** f16 bits of the block (or super block): scale and minimum. */
  uint16_t d = 0, m = 0;
  /** K types: scale and minimum code of the block (Q6_K: scales of its two halves, signed). */
  uint8_t scale_codes[2] = {0, 0};
};

/** Block `block_idx` (of 32 elements) of a stored row that starts at `row`. */
StoredBlock read_stored_block(TensorDtype dtype, const uint8_t* row, size_t block_idx);

/** One block of a panel, decoded: weight[k][c] = scale[k / 16][c] * codes[k][c] + minimum[c]. */
struct BlockColumns {
  /** Offset already removed. */
  int16_t codes[32][16];
  float scale[2][16];
  float minimum[16];
};
void unpack_scales(TensorDtype dtype, const QuantPanel& panel, size_t block_idx, BlockColumns& block);
void unpack_block(TensorDtype dtype, const QuantPanel& panel, size_t block_idx, BlockColumns& block);

/** One weight of a float panel. */
float float_panel_value(const FloatPanel& panel, size_t k, size_t column);

}  // namespace tandem
