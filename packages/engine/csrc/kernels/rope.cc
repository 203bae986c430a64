#include "kernels/rope.h"

#include <cmath>

#include "kernels/kernel_table.h"

namespace tandem {

void rope_angles(const RopeParams& params, int64_t position, float* cos, float* sin) {
  for (size_t i = 0; i < params.dim / 2; i++) {
    // The product is rounded to float32, as the reference does.
    const float angle = static_cast<float>(static_cast<double>(position) * static_cast<double>(params.inv_freq[i]));
    cos[i] = static_cast<float>(std::cos(static_cast<double>(angle)) * static_cast<double>(params.attention_factor));
    sin[i] = static_cast<float>(std::sin(static_cast<double>(angle)) * static_cast<double>(params.attention_factor));
  }
}

void rope_rotate(const RopeParams& params, const float* cos, const float* sin, float* x, size_t num_heads, size_t head_stride) {
  kernels().rope_rotate(params, cos, sin, x, num_heads, head_stride);
}

}  // namespace tandem
