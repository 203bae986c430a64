// Owns rotary position embedding. Angles are float32 position * inv_freq, as in the reference.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {

struct RopeParams {
  /** Rotated dimensions of a head, even. */
  size_t dim = 0;
  /** true: pairs (2i, 2i+1); false: pairs (i, i + dim / 2). */
  bool interleaved = false;
  /** [dim / 2] */
  const float* inv_freq = nullptr;
  /** Multiplies cos and sin. */
  float attention_factor = 1;
};

/** cos and sin of one position: [dim / 2] each. Computed once per row and shared by all heads and layers. */
void rope_angles(const RopeParams& params, int64_t position, float* cos, float* sin);

/** Rotates `num_heads` heads, head_stride floats apart, in place. x points at the first rotated element of head 0. */
void rope_rotate(const RopeParams& params, const float* cos, const float* sin, float* x, size_t num_heads,
                 size_t head_stride);

}  // namespace tandem
