// Owns activations on their way into a product and the row-wise steps around it: 8-bit quantisation, RMSNorm,
// SwiGLU. Rows are independent: a row's result depends on that row only, bit for bit, on every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {

/**
 * 32 activations of one row: x = scale * (q - zero), |q| <= 127, zero an integer in the same range, so 0 is exact. The code -128 stays
 * unused: the products' 16-bit sums and sign changes have no room for it. One cache line. On the path amx_bf16 it holds 32 bf16 numbers instead
 * (bf16_rows.h).
 */
struct alignas(64) QuantBlock {
  int8_t q[32];
  float scale;
  /** scale * (sum of q - zero): multiplies a weight block's minimum. */
  float scaled_sum;
  /**
   * What an integer dot product starts from when codes are stored with an offset, -offset * (sum of q): 8 for Q4_0, 16 for Q5_0,
   * 128 for Q8_0 read as unsigned bytes; 32 over elements 0..15 and 16..31 for Q6_K.
   */
  int32_t start_q4_0, start_q5_0, start_q8_0, start_q6_k_low, start_q6_k_high;
  /** -scale * zero: multiplies the sum of a weight block without its minimum. */
  float scaled_zero;
};
static_assert(sizeof(QuantBlock) == 64, "one line per block");

/** QuantBlocks of one row of `num_columns` activations (the tail block is padded with values of 0). */
constexpr size_t quant_blocks(size_t num_columns) { return (num_columns + 31) / 32; }

/**
 * How far apart rows that products read should lie: an odd number of cache lines. The same column of several rows then lies in as many
 * sets of a cache; an even number, as most models' widths give, crowds it into few, down to one.
 */
constexpr size_t block_stride(size_t num_columns) { return quant_blocks(num_columns) | 1; }
constexpr size_t float_stride(size_t num_columns) { return ((num_columns + 15) / 16 | 1) * 16; }

/**
 * What a product reads: blocks or float rows, as PackedMatrix::reads_blocks() asks. Row r starts at
 * blocks + r * stride (in blocks) or values + r * stride (in floats).
 */
struct Activations {
  const QuantBlock* blocks = nullptr;
  const float* values = nullptr;
  size_t stride = 0;

  static Activations of(const QuantBlock* blocks, size_t stride) { return {blocks, nullptr, stride}; }
  static Activations of(const float* values, size_t stride) { return {nullptr, values, stride}; }
  /** The same rows, starting at row `row`. */
  Activations from_row(size_t row) const {
    return {blocks ? blocks + row * stride : nullptr, values ? values + row * stride : nullptr, stride};
  }
};

/**
 * Per block scale = (max(x, 0) - min(x, 0)) / 254 and q = x / scale, rounded half to even, + zero, where zero makes the minimum -127.
 * x: [num_rows, num_columns], ldx floats apart.
 */
void quantize_rows(const float* x, size_t ldx, size_t num_rows, size_t num_columns, QuantBlock* out, size_t ld_out);

/** y = x / sqrt(mean(x^2) + eps) * weight. weight: [num_columns]. y may be x. */
void rms_norm(const float* x, size_t ldx, const float* weight, float eps, size_t num_rows, size_t num_columns,
              float* y, size_t ldy);

/** rms_norm, then quantize_rows; y (float32, may be null) gets the normalised rows as well. */
void rms_norm_quantize(const float* x, size_t ldx, const float* weight, float eps, size_t num_rows, size_t num_columns,
                       QuantBlock* out, size_t ld_out, float* y, size_t ldy);

/** y = silu(gate) * up, silu(v) = v / (1 + exp(-v)). y may be gate. */
void swiglu(const float* gate, size_t ld_gate, const float* up, size_t ld_up, size_t num_rows, size_t num_columns,
            float* y, size_t ldy);

/** swiglu, then quantize_rows. To split one row over threads, call it on column ranges at multiples of 32. */
void swiglu_quantize(const float* gate, size_t ld_gate, const float* up, size_t ld_up, size_t num_rows,
                     size_t num_columns, QuantBlock* out, size_t ld_out);

/** y += x. x, y: [num_rows, num_columns], ldx and ldy floats apart. */
void add_rows(const float* x, size_t ldx, size_t num_rows, size_t num_columns, float* y, size_t ldy);

/** float32 <-> bfloat16, rounding half to even; NaN stays NaN. */
void to_bf16(const float* x, uint16_t* y, size_t count);
void from_bf16(const uint16_t* x, float* y, size_t count);

}  // namespace tandem
