// Owns float32 activations <-> the dtype they travel in, as packages/connector/src/activation-codec.ts does it. Rows are
// coded on their own. fp8: one scale per token and 128 channels, max(amax, 1e-4) / 448, values rounded half to even.
#pragma once

#include <cstddef>

#include "connector/frame_layout.h"

namespace tandem {

// Writes [num_rows, hidden_size] in `dtype`; `scales` [num_rows, ceil(hidden_size / 128)] for fp8 only.
void encode_activations(const float* values, size_t num_rows, size_t hidden_size, FrameDtype dtype, std::byte* out,
                        float* scales);
// The reverse. For f32 the caller can read `in` directly instead.
void decode_activations(const std::byte* in, const float* scales, size_t num_rows, size_t hidden_size,
                        FrameDtype dtype, float* values);

}  // namespace tandem
