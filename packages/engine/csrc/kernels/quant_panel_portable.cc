// Owns the portable product of 8-bit activations with one quantised panel: the definition the other paths match bit for bit.
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

template <TensorDtype D>
void panel_product(const QuantPanel& panel, size_t, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride,
                   size_t num_rows, float* out) {
  for (size_t i = 0; i < num_rows * kPanel; i++) out[i] = 0;
  BlockColumns block;
  int32_t dot[kPanel];
  for (size_t b = block_begin; b < block_end; b++) {
    unpack_block(D, panel, b, block);
    for (size_t r = 0; r < num_rows; r++) {
      const QuantBlock& a = x[r * stride + b];
      float* row = out + r * kPanel;
      if (D == TensorDtype::q6_k) {
        for (size_t h = 0; h < 2; h++) {
          dot_columns(block.codes + 16 * h, a.q + 16 * h, 16, dot);
          add_scaled(dot, block.scale[h], a.scale, row);
        }
        continue;
      }
      dot_columns(block.codes, a.q, kBlock, dot);
      add_scaled(dot, block.scale[0], a.scale, row);
      if (!has_minimum(D)) continue;
      for (size_t c = 0; c < kPanel; c++) row[c] = __builtin_fmaf(block.minimum[c], a.scaled_sum, row[c]);
    }
  }
}

}  // namespace

const QuantPanels kPortableQuantPanels = TANDEM_QUANT_PANELS(1, panel_product);

}  // namespace tandem
