// Owns the portable product of 8-bit activations with one quantised panel: the definition the other paths match bit for bit.
// With weights w = d * n + m and activations x = s * (q - zero), a block adds d * s * sum(n * q), then m * s * sum(q - zero), then
// -s * zero * d * sum(n). The last factor, d * sum(n), belongs to the weights: computed once for all rows.
#include "kernels/kernel_table.h"
#include "kernels/stored_block.h"
#include "kernels/quant_panels.h"

namespace tandem {
namespace {

void dot_columns(const int16_t (*codes)[16], const int8_t* q, size_t count, int32_t* dot) {
  for (size_t c = 0; c < kPanel; c++) dot[c] = 0;
  for (size_t k = 0; k < count; k++) {
    for (size_t c = 0; c < kPanel; c++) dot[c] += codes[k][c] * q[k];
  }
}

void add_scaled(const int32_t* dot, const float* weight_scale, float x_scale, float* out) {
  for (size_t c = 0; c < kPanel; c++) {
    out[c] = __builtin_fmaf(static_cast<float>(dot[c]), weight_scale[c] * x_scale, out[c]);
  }
}

/** Per column the sum of a block's weights without its minimum: what the activations' zero multiplies. */
template <TensorDtype D>
void sum_weights(const BlockColumns& block, float* weight_sum) {
  for (size_t c = 0; c < kPanel; c++) {
    int32_t sum[2] = {0, 0};
    for (size_t k = 0; k < kBlock; k++) sum[k / 16] += block.codes[k][c];
    weight_sum[c] = D == TensorDtype::q6_k
        ? __builtin_fmaf(block.scale[1][c], static_cast<float>(sum[1]), block.scale[0][c] * static_cast<float>(sum[0]))
        : block.scale[0][c] * static_cast<float>(sum[0] + sum[1]);
  }
}

void add_product(const float* weight, float factor, float* out) {
  for (size_t c = 0; c < kPanel; c++) out[c] = __builtin_fmaf(weight[c], factor, out[c]);
}

template <TensorDtype D>
void panel_product(const QuantPanel& panel, size_t, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride,
                   size_t num_rows, float* out) {
  for (size_t i = 0; i < num_rows * kPanel; i++) out[i] = 0;
  BlockColumns block;
  int32_t dot[kPanel];
  float weight_sum[kPanel];
  for (size_t b = block_begin; b < block_end; b++) {
    unpack_block(D, panel, b, block);
    sum_weights<D>(block, weight_sum);
    for (size_t r = 0; r < num_rows; r++) {
      const QuantBlock& a = x[r * stride + b];
      float* row = out + r * kPanel;
      if (D == TensorDtype::q6_k) {
        for (size_t h = 0; h < 2; h++) {
          dot_columns(block.codes + 16 * h, a.q + 16 * h, 16, dot);
          add_scaled(dot, block.scale[h], a.scale, row);
        }
      } else {
        dot_columns(block.codes, a.q, kBlock, dot);
        add_scaled(dot, block.scale[0], a.scale, row);
        if (has_minimum(D)) add_product(block.minimum, a.scaled_sum, row);
      }
      add_product(weight_sum, a.scaled_zero, row);
    }
  }
}

}  // namespace

const QuantPanels kPortableQuantPanels = TANDEM_QUANT_PANELS(1, panel_product);

}  // namespace tandem
