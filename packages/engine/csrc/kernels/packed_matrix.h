// Owns a weight matrix in memory: the stored format, repacked once at load into panels of 16 output columns
// so that every kernel streams it front to back. About as large as the stored bytes. Must not multiply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "kernels/dtypes.h"

namespace tandem {

/** Output columns of one panel. Column ranges given to matmul start at multiples of it. */
constexpr size_t kPanel = 16;
/** Elements of one activation block. */
constexpr size_t kBlock = 32;

/** A row-major [out, in] matrix as it lies in a checkpoint (usually a mapped file). Plain data, borrowed. */
struct StoredMatrix {
  TensorDtype dtype = TensorDtype::f32;
  /** Outputs ("rows" of the file), inputs (contiguous). */
  size_t num_rows = 0, num_columns = 0;
  const uint8_t* data = nullptr;
  size_t num_bytes = 0;
  /** f8_e4m3 only: float32 [ceil(rows / block_rows), ceil(columns / block_columns)], multiplied. */
  const float* block_scale = nullptr;
  size_t block_rows = 0, block_columns = 0;
};

/** What of a stored matrix to keep: rows [row_begin, row_end) x columns [column_begin, column_end). */
struct MatrixRange {
  size_t row_begin = 0, row_end = 0, column_begin = 0, column_end = 0;
};

class PackedMatrix {
 public:
  PackedMatrix() = default;
  PackedMatrix(PackedMatrix&&) noexcept = default;
  PackedMatrix& operator=(PackedMatrix&&) noexcept = default;

  /**
   * Reason the range cannot be packed (size mismatch, a column cut inside a block, a missing scale ...), or an empty string.
   * Callers turn it into their typed error; `pack` asserts that it is empty.
   */
  static std::string check(const StoredMatrix& stored, const MatrixRange& range);

  /** Copies and repacks; `stored` is not needed afterwards. Throws std::bad_alloc. */
  static PackedMatrix pack(const StoredMatrix& stored, const MatrixRange& range);
  static PackedMatrix pack(const StoredMatrix& stored) {
    return pack(stored, {0, stored.num_rows, 0, stored.num_columns});
  }

  /** Several matrices with the same inputs and dtype as one (q, k, v or gate, up): output columns follow each other.
   *  Every part but the last must have a multiple of 16 rows. */
  static PackedMatrix pack_concat(const StoredMatrix* parts, const MatrixRange* ranges, size_t num_parts);

  bool empty() const { return num_outputs_ == 0; }
  TensorDtype dtype() const { return dtype_; }
  /** Output columns of a product, N. */
  size_t num_outputs() const { return num_outputs_; }
  /** Inner dimension, K. */
  size_t num_inputs() const { return num_inputs_; }
  size_t num_panels() const { return (num_outputs_ + kPanel - 1) / kPanel; }
  /** Bytes held. */
  size_t num_bytes() const { return num_bytes_; }
  bool quantized() const { return is_quantized(dtype_); }
  /** True when activations must be QuantBlocks: always for quantised weights, on the path amx_bf16 for BF16 ones as well, if they come in
   *  whole blocks and nothing said otherwise. */
  bool reads_blocks() const;
  /** For float weights whose inputs will be cut within blocks, or that are worth float32 activations. */
  void keep_float_rows() { keeps_float_rows_ = true; }

  /** Quantised types: no weight is larger, by what its scale allows. */
  float weight_bound() const;

  /** Dequantises one output's weights, [num_inputs] float32: the embedding lookup of a tied LM head. */
  void unpack_output(size_t output, float* values) const;

  // Layout, for kernels. Panel p is at data() + p * panel_bytes(). See packed_layout.h.
  const uint8_t* data() const { return data_.get(); }
  size_t panel_bytes() const { return panel_bytes_; }
  /** f8_e4m3: inputs per block scale, and how far into its first scale block the matrix starts. */
  size_t scale_block() const { return scale_block_; }
  size_t scale_offset() const { return scale_offset_; }

 private:
  std::shared_ptr<uint8_t> data_;
  TensorDtype dtype_ = TensorDtype::f32;
  size_t num_outputs_ = 0, num_inputs_ = 0, panel_bytes_ = 0, num_bytes_ = 0;
  size_t scale_block_ = 0, scale_offset_ = 0;
  bool keeps_float_rows_ = false;
};

}  // namespace tandem
