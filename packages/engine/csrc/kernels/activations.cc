#include "kernels/activations.h"

#include "kernels/kernel_table.h"

namespace tandem {

void quantize_rows(const float* x, size_t ldx, size_t num_rows, size_t num_columns, QuantBlock* out, size_t ld_out) {
  kernels().quantize_rows(x, ldx, num_rows, num_columns, out, ld_out);
}

void rms_norm(const float* x, size_t ldx, const float* weight, float eps, size_t num_rows, size_t num_columns, float* y, size_t ldy) {
  kernels().rms_norm(x, ldx, weight, eps, num_rows, num_columns, y, ldy);
}

void rms_norm_quantize(const float* x, size_t ldx, const float* weight, float eps, size_t num_rows, size_t num_columns,
                       QuantBlock* out, size_t ld_out, float* y, size_t ldy) {
  kernels().rms_norm_quantize(x, ldx, weight, eps, num_rows, num_columns, out, ld_out, y, ldy);
}

void swiglu(const float* gate, size_t ld_gate, const float* up, size_t ld_up, size_t num_rows, size_t num_columns, float* y,
            size_t ldy) {
  kernels().swiglu(gate, ld_gate, up, ld_up, num_rows, num_columns, y, ldy);
}

void swiglu_quantize(const float* gate, size_t ld_gate, const float* up, size_t ld_up, size_t num_rows, size_t num_columns,
                     QuantBlock* out, size_t ld_out) {
  kernels().swiglu_quantize(gate, ld_gate, up, ld_up, num_rows, num_columns, out, ld_out);
}

void add_rows(const float* x, size_t ldx, size_t num_rows, size_t num_columns, float* y, size_t ldy) {
  kernels().add_rows(x, ldx, num_rows, num_columns, y, ldy);
}

void to_bf16(const float* x, uint16_t* y, size_t count) { kernels().to_bf16(x, y, count); }
void from_bf16(const uint16_t* x, float* y, size_t count) { kernels().from_bf16(x, y, count); }

}  // namespace tandem
