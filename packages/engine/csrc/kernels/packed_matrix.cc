#include "kernels/packed_matrix.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

#include "kernels/packed_layout.h"
#include "kernels/quant_panels.h"
#include "kernels/stored_block.h"
#include "kernels/weight_memory.h"

namespace tandem {
namespace {

/** Writes 32 codes of one column into a block of a panel. */
void put_codes(TensorDtype dtype, const StoredBlock& block, size_t column, uint8_t* codes, uint8_t* high) {
  for (size_t k = 0; k < kBlock; k++) {
    const size_t group = k / 4, byte = column * 4 + k % 4;
    const uint8_t code = block.codes[k];
    if (dtype == TensorDtype::q8_0) {
      codes[group * 64 + byte] = code;
      continue;
    }
    codes[(group % 4) * 64 + byte] |= static_cast<uint8_t>((code & 15) << (group < 4 ? 0 : 4));
    if (dtype == TensorDtype::q6_k) {
      high[(group / 4) * 64 + byte] |= static_cast<uint8_t>((code >> 4) << (2 * (group % 4)));
    } else if (high != nullptr) {
      high[group * 8 + byte / 8] |= static_cast<uint8_t>((code >> 4) << (byte % 8));
    }
  }
}

void put_scales(TensorDtype dtype, const StoredBlock& block, size_t column, uint8_t* scales, uint8_t* supers) {
  auto half = [column](uint8_t* row, uint16_t value) { std::memcpy(row + column * 2, &value, 2); };
  switch (dtype) {
    case TensorDtype::q4_k: case TensorDtype::q5_k: case TensorDtype::q6_k:
      scales[column] = block.scale_codes[0];
      scales[16 + column] = block.scale_codes[1];
      half(supers, block.d);
      if (dtype != TensorDtype::q6_k) half(supers + 32, block.m);
      break;
    default:
      half(scales, block.d);
      if (has_minimum(dtype)) half(scales + 32, block.m);
  }
}

void pack_quantized(const StoredMatrix& stored, const MatrixRange& range, size_t first_output, size_t num_blocks,
                    size_t panel_bytes, uint8_t* data) {
  const TensorDtype dtype = stored.dtype;
  const QuantLayout layout = quant_layout(dtype);
  const size_t row_bytes = stored.num_columns / block_elements(dtype) * block_bytes(dtype);
  const size_t first_block = range.column_begin / kBlock;
  for (size_t row = range.row_begin; row < range.row_end; row++) {
    const size_t output = first_output + row - range.row_begin, column = output % kPanel;
    uint8_t* panel = data + output / kPanel * panel_bytes;
    const QuantPanel at = quant_panel_at(dtype, panel, num_blocks);
    auto writable = [panel](const uint8_t* p) { return panel + (p - panel); };
    for (size_t b = 0; b < num_blocks; b++) {
      const StoredBlock block = read_stored_block(dtype, stored.data + row * row_bytes, first_block + b);
      put_codes(dtype, block, column, writable(at.codes) + b * layout.codes_bytes,
                layout.high_bytes ? writable(at.high) + b * layout.high_bytes : nullptr);
      put_scales(dtype, block, column, writable(at.scales) + b * layout.scale_bytes,
                 writable(at.supers) + b / kBlocksPerSuper * layout.super_bytes);
    }
  }
}

size_t scale_blocks(const StoredMatrix& stored, const MatrixRange& range) {
  if (stored.dtype != TensorDtype::f8_e4m3) return 0;
  return (range.column_end - 1) / stored.block_columns - range.column_begin / stored.block_columns + 1;
}

void pack_floats(const StoredMatrix& stored, const MatrixRange& range, size_t first_output, size_t panel_bytes, uint8_t* data) {
  const size_t bytes = block_bytes(stored.dtype), num_inputs = range.column_end - range.column_begin;
  const size_t values_bytes = align64(num_inputs * kPanel * bytes), num_scales = scale_blocks(stored, range);
  for (size_t row = range.row_begin; row < range.row_end; row++) {
    const size_t output = first_output + row - range.row_begin, column = output % kPanel;
    uint8_t* panel = data + output / kPanel * panel_bytes;
    const uint8_t* source = stored.data + (row * stored.num_columns + range.column_begin) * bytes;
    for (size_t k = 0; k < num_inputs; k++) std::memcpy(panel + (k * kPanel + column) * bytes, source + k * bytes, bytes);
    for (size_t s = 0; s < num_scales; s++) {
      const size_t per_row = (stored.num_columns + stored.block_columns - 1) / stored.block_columns;
      const float scale = stored.block_scale[row / stored.block_rows * per_row + range.column_begin / stored.block_columns + s];
      std::memcpy(panel + values_bytes + (s * kPanel + column) * sizeof(float), &scale, sizeof scale);
    }
  }
}

}  // namespace

std::string PackedMatrix::check(const StoredMatrix& stored, const MatrixRange& range) {
  const size_t unit = block_elements(stored.dtype);
  if (stored.num_rows == 0 || stored.num_columns == 0) return "the matrix is empty";
  if (stored.num_columns % unit != 0) return "the row length is not a multiple of the block length " + std::to_string(unit);
  if (stored.num_rows > SIZE_MAX / stored.num_columns / 8) return "the shape is too large";
  const size_t expected = stored.num_rows * (stored.num_columns / unit) * block_bytes(stored.dtype);
  if (stored.num_bytes != expected) {
    return "it has " + std::to_string(stored.num_bytes) + " bytes instead of " + std::to_string(expected);
  }
  if (range.row_begin >= range.row_end || range.row_end > stored.num_rows) return "the row range is outside the matrix";
  if (range.column_begin >= range.column_end || range.column_end > stored.num_columns) return "the column range is outside the matrix";
  if (range.column_begin % unit != 0 || range.column_end % unit != 0) return "the column range cuts a block";
  if (stored.dtype == TensorDtype::f8_e4m3 && (stored.block_scale == nullptr || stored.block_rows == 0 || stored.block_columns == 0)) {
    return "block scales are missing";
  }
  return "";
}

PackedMatrix PackedMatrix::pack(const StoredMatrix& stored, const MatrixRange& range) { return pack_concat(&stored, &range, 1); }

PackedMatrix PackedMatrix::pack_concat(const StoredMatrix* parts, const MatrixRange* ranges, size_t num_parts) {
  PackedMatrix packed;
  packed.dtype_ = parts[0].dtype;
  packed.num_inputs_ = ranges[0].column_end - ranges[0].column_begin;
  for (size_t i = 0; i < num_parts; i++) {
    assert(check(parts[i], ranges[i]).empty());
    assert(parts[i].dtype == packed.dtype_ && ranges[i].column_end - ranges[i].column_begin == packed.num_inputs_);
    assert(i == 0 || packed.num_outputs_ % kPanel == 0);
    packed.num_outputs_ += ranges[i].row_end - ranges[i].row_begin;
  }
  if (packed.quantized()) {
    packed.panel_bytes_ = quant_panel_bytes(packed.dtype_, packed.num_inputs_ / kBlock);
  } else {
    packed.panel_bytes_ = align64(packed.num_inputs_ * kPanel * block_bytes(packed.dtype_)) +
                          scale_blocks(parts[0], ranges[0]) * kPanel * sizeof(float);
    packed.scale_block_ = parts[0].block_columns;
    packed.scale_offset_ = packed.scale_block_ ? ranges[0].column_begin % packed.scale_block_ : 0;
  }
  packed.num_bytes_ = packed.num_panels() * packed.panel_bytes_;
  packed.data_ = allocate_weights(packed.num_bytes_);
  size_t first_output = 0;
  for (size_t i = 0; i < num_parts; i++) {
    if (packed.quantized()) {
      pack_quantized(parts[i], ranges[i], first_output, packed.num_inputs_ / kBlock, packed.panel_bytes_, packed.data_.get());
    } else {
      pack_floats(parts[i], ranges[i], first_output, packed.panel_bytes_, packed.data_.get());
    }
    first_output += ranges[i].row_end - ranges[i].row_begin;
  }
  return packed;
}

bool PackedMatrix::reads_blocks() const {
  if (quantized()) return true;
  return !keeps_float_rows_ && num_inputs_ % kBlock == 0 && quant_panels().of[static_cast<size_t>(dtype_)] != nullptr;
}

float PackedMatrix::weight_bound() const {
  assert(quantized());
  float bound = 0;
  BlockColumns block;
  for (size_t p = 0; p < num_panels(); p++) {
    const QuantPanel panel = quant_panel_at(dtype_, data() + p * panel_bytes_, num_inputs_ / kBlock);
    for (size_t b = 0; b < num_inputs_ / kBlock; b++) {
      unpack_scales(dtype_, panel, b, block);
      for (size_t c = 0; c < kPanel; c++) {
        const float scale = std::max(std::fabs(block.scale[0][c]), std::fabs(block.scale[1][c]));
        bound = std::max(bound, scale * static_cast<float>(largest_code(dtype_)) + std::fabs(block.minimum[c]));
      }
    }
  }
  return bound;
}

void PackedMatrix::unpack_output(size_t output, float* values) const {
  const size_t column = output % kPanel;
  const uint8_t* panel = data_.get() + output / kPanel * panel_bytes_;
  if (!quantized()) {
    const FloatPanel at = float_panel_at(*this, output / kPanel);
    for (size_t k = 0; k < num_inputs_; k++) values[k] = float_panel_value(at, k, column);
    return;
  }
  const QuantPanel at = quant_panel_at(dtype_, panel, num_inputs_ / kBlock);
  BlockColumns block;
  for (size_t b = 0; b < num_inputs_ / kBlock; b++) {
    unpack_block(dtype_, at, b, block);
    for (size_t k = 0; k < kBlock; k++) {
      values[b * kBlock + k] = block.scale[k / 16][column] * static_cast<float>(block.codes[k][column]) + block.minimum[column];
    }
  }
}

}  // namespace tandem
