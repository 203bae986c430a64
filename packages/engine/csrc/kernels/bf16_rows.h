// Owns what the bf16 product and the rows made for it agree on. A QuantBlock then holds 32 bf16 activations and nothing else: of every
// four inputs a, b, c, d in the order a, c, b, d, as the panels' codes lie, times kBf16RowScale.
#pragma once

namespace tandem {

/** Weights are multiplied by it on their way through half precision, so that those between 2^-22 and 2^8 keep all their bits. */
constexpr float kBf16WeightScale = 256;
/** Larger weights do not fit. */
constexpr float kBf16WeightLimit = 255;
/** Takes the weights' scale and the 2^-112 of their exponents back; sums with BF16 weights are divided by it. */
constexpr float kBf16RowScale = 0x1p112f / kBf16WeightScale;
/** Activations beyond are cut to it, or their scaled value would be infinite. Models stay far below. */
constexpr float kBf16RowLimit = 0x1p23f;

}  // namespace tandem
