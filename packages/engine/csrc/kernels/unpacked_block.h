// Owns what x86 products keep of a block of a quantised panel while several rows are multiplied with it.
#pragma once

#include <cstdint>

namespace tandem {

/** 704 bytes; 16 of them fit a 32 KB cache. */
struct alignas(64) UnpackedBlock {
  /** 8 groups of 16 columns x 4 inputs. */
  uint8_t codes[8][64];
  float scale[16];
  /** The minimum, or the scale of the second half of a Q6_K block. */
  float second[16];
  /** Sum of the weights without the minimum. */
  float weight_sum[16];
};

}  // namespace tandem
