#include "engine/row_products.h"

#include <algorithm>

namespace tandem {

void RowBuffer::prepare(size_t num_rows, size_t num_columns, bool blocks, bool floats) {
  num_columns_ = num_columns;
  has_blocks_ = blocks;
  has_floats_ = floats;
  if (blocks) blocks_.reserve(num_rows * ld_blocks());
  if (floats) values_.reserve(num_rows * ld_values());
}

Activations RowBuffer::for_matrix(const PackedMatrix& matrix) const {
  return matrix.reads_blocks() ? Activations::of(blocks_.data(), ld_blocks())
                               : Activations::of(values_.data(), ld_values());
}

void RowBuffer::fill(const float* x, size_t ldx, size_t row_begin, size_t row_end) {
  const float* first = x + row_begin * ldx;
  const size_t count = row_end - row_begin;
  if (has_blocks_) quantize_rows(first, ldx, count, num_columns_, blocks(row_begin), ld_blocks());
  if (has_floats_) {
    for (size_t row = row_begin; row < row_end; row++) std::copy_n(x + row * ldx, num_columns_, values(row));
  }
}

void RowBuffer::fill_normed(const float* x, size_t ldx, const float* weight, float eps, size_t row_begin,
                            size_t row_end) {
  const float* first = x + row_begin * ldx;
  const size_t count = row_end - row_begin;
  if (has_blocks_) {
    rms_norm_quantize(first, ldx, weight, eps, count, num_columns_, blocks(row_begin), ld_blocks(),
                      has_floats_ ? values(row_begin) : nullptr, ld_values());
  } else {
    rms_norm(first, ldx, weight, eps, count, num_columns_, values(row_begin), ld_values());
  }
}

void multiply(ThreadPool& pool, const PackedMatrix& matrix, const RowBuffer& x, size_t num_rows,
              const MatmulOutput& out) {
  const Activations rows = x.for_matrix(matrix);
  pool.parallel_for(matrix.num_panels(), split_group(matrix, num_rows), [&](size_t begin, size_t end, int) {
    matmul(matrix, rows, num_rows, out, begin * kPanel, std::min(end * kPanel, matrix.num_outputs()));
  });
}

void multiply(ThreadPool& pool, const FusedMatrix& matrix, const RowBuffer& x, size_t num_rows,
              const MatmulOutput& out) {
  for (const FusedMatrix::Part& part : matrix.parts()) {
    MatmulOutput shifted = out;
    shifted.y += part.column_offset;
    if (shifted.bias != nullptr) shifted.bias += part.column_offset;
    multiply(pool, part.matrix, x, num_rows, shifted);
  }
}

}  // namespace tandem
