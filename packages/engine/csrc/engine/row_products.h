// Owns products of a ubatch's rows with packed weights over the compute threads. Which thread computes a column never
// changes its bits (kernels/matmul.h), so the split is free.
#pragma once

#include <cstdint>

#include "engine/aligned_buffer.h"
#include "kernels/activations.h"
#include "kernels/matmul.h"
#include "model/weight_files.h"
#include "threads/thread_pool.h"

namespace tandem {

// Rows of activations in the formats their matrices read: blocks, float32, or both.
class RowBuffer {
 public:
  void prepare(size_t num_rows, size_t num_columns, bool blocks, bool floats);
  size_t num_columns() const { return num_columns_; }
  bool has_blocks() const { return has_blocks_; }
  bool has_floats() const { return has_floats_; }
  QuantBlock* blocks(size_t row) { return blocks_.data() + row * ld_blocks(); }
  float* values(size_t row) { return values_.data() + row * ld_values(); }
  // How far apart rows lie, in blocks and in floats.
  size_t ld_blocks() const { return block_stride(num_columns_); }
  size_t ld_values() const { return float_stride(num_columns_); }
  // The rows as `matrix` wants them.
  Activations for_matrix(const PackedMatrix& matrix) const;
  // Fills the rows from float32 ones, ld apart.
  void fill(const float* x, size_t ldx, size_t row_begin, size_t row_end);
  // The same behind an RMSNorm.
  void fill_normed(const float* x, size_t ldx, const float* weight, float eps, size_t row_begin, size_t row_end);

 private:
  AlignedBuffer<QuantBlock> blocks_;
  AlignedBuffer<float> values_;
  size_t num_columns_ = 0;
  bool has_blocks_ = false, has_floats_ = false;
};

// body(row_begin, row_end) over all rows; few rows stay on the calling thread, where they cost less than a wake-up.
template <typename Body>
void for_rows(ThreadPool& pool, size_t num_rows, Body&& body) {
  constexpr size_t kInlineRows = 3;
  if (num_rows <= kInlineRows) return body(size_t{0}, num_rows);
  pool.parallel_for(num_rows, 2, [&](size_t begin, size_t end, int) { body(begin, end); });
}

// y = x * matrix^T (+ bias), or added to y.
void multiply(ThreadPool& pool, const PackedMatrix& matrix, const RowBuffer& x, size_t num_rows, const MatmulOutput& out);
void multiply(ThreadPool& pool, const FusedMatrix& matrix, const RowBuffer& x, size_t num_rows, const MatmulOutput& out);

}  // namespace tandem
