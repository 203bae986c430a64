#include "kernels/stored_block.h"

#include <cstring>

#include "kernels/simd_portable.h"

namespace tandem {
namespace {

uint16_t load_u16(const uint8_t* p) { uint16_t value; std::memcpy(&value, p, 2); return value; }

void nibbles(const uint8_t* bytes, uint8_t* codes) {
  for (size_t i = 0; i < 16; i++) {
    codes[i] = bytes[i] & 15;
    codes[i + 16] = bytes[i] >> 4;
  }
}

void add_fifth_bits(const uint8_t* bytes, uint8_t* codes) {
  uint32_t bits;
  std::memcpy(&bits, bytes, 4);
  for (size_t i = 0; i < 32; i++) codes[i] |= static_cast<uint8_t>(((bits >> i) & 1) << 4);
}

/** 6-bit scale and minimum of sub-block j out of the 12 packed bytes. */
void k_scales(const uint8_t* b, size_t j, uint8_t* scale_codes) {
  if (j < 4) {
    scale_codes[0] = b[j] & 63;
    scale_codes[1] = b[j + 4] & 63;
  } else {
    scale_codes[0] = static_cast<uint8_t>((b[j + 4] & 15) | ((b[j - 4] >> 6) << 4));
    scale_codes[1] = static_cast<uint8_t>((b[j + 4] >> 4) | ((b[j] >> 6) << 4));
  }
}

void read_k_block(bool five_bits, const uint8_t* super, size_t j, StoredBlock& block) {
  block.d = load_u16(super);
  block.m = load_u16(super + 2);
  k_scales(super + 4, j, block.scale_codes);
  const uint8_t* high = super + 16;
  const uint8_t* low = super + (five_bits ? 48 : 16) + j / 2 * 32;
  for (size_t i = 0; i < 32; i++) {
    block.codes[i] = j % 2 == 0 ? low[i] & 15 : low[i] >> 4;
    if (five_bits) block.codes[i] |= static_cast<uint8_t>(((high[i] >> j) & 1) << 4);
  }
}

void read_q6_k_block(const uint8_t* super, size_t j, StoredBlock& block) {
  const size_t half = j / 4, quarter = j % 4;
  const uint8_t* low = super + half * 64 + quarter % 2 * 32;
  const uint8_t* high = super + 128 + half * 32;
  for (size_t i = 0; i < 32; i++) {
    const uint8_t nibble = quarter < 2 ? low[i] & 15 : low[i] >> 4;
    block.codes[i] = static_cast<uint8_t>(nibble | (((high[i] >> (2 * quarter)) & 3) << 4));
  }
  std::memcpy(block.scale_codes, super + 192 + half * 8 + quarter * 2, 2);
  block.d = load_u16(super + 208);
}

}  // namespace

StoredBlock read_stored_block(TensorDtype dtype, const uint8_t* row, size_t block_idx) {
  StoredBlock block;
  const size_t per_stored = block_elements(dtype) / kBlock;
  const uint8_t* p = row + block_idx / per_stored * block_bytes(dtype);
  switch (dtype) {
    case TensorDtype::q8_0:
      block.d = load_u16(p);
      std::memcpy(block.codes, p + 2, 32);
      break;
    case TensorDtype::q4_0:
      block.d = load_u16(p);
      nibbles(p + 2, block.codes);
      break;
    case TensorDtype::q4_1:
      block.d = load_u16(p);
      block.m = load_u16(p + 2);
      nibbles(p + 4, block.codes);
      break;
    case TensorDtype::q5_0:
      block.d = load_u16(p);
      nibbles(p + 6, block.codes);
      add_fifth_bits(p + 2, block.codes);
      break;
    case TensorDtype::q5_1:
      block.d = load_u16(p);
      block.m = load_u16(p + 2);
      nibbles(p + 8, block.codes);
      add_fifth_bits(p + 4, block.codes);
      break;
    case TensorDtype::q4_k: read_k_block(false, p, block_idx % kBlocksPerSuper, block); break;
    case TensorDtype::q5_k: read_k_block(true, p, block_idx % kBlocksPerSuper, block); break;
    case TensorDtype::q6_k: read_q6_k_block(p, block_idx % kBlocksPerSuper, block); break;
    default: break;
  }
  return block;
}

void unpack_scales(TensorDtype dtype, const QuantPanel& panel, size_t block_idx, BlockColumns& block) {
  const QuantLayout layout = quant_layout(dtype);
  const uint8_t* scales = panel.scales + block_idx * layout.scale_bytes;
  const uint8_t* supers = panel.supers + block_idx / kBlocksPerSuper * layout.super_bytes;
  for (size_t c = 0; c < kPanel; c++) {
    block.minimum[c] = 0;
    switch (dtype) {
      case TensorDtype::q4_k: case TensorDtype::q5_k:
        block.scale[0][c] = block.scale[1][c] = half_to_float(load_u16(supers + 2 * c)) * static_cast<float>(scales[c]);
        block.minimum[c] = -(half_to_float(load_u16(supers + 32 + 2 * c)) * static_cast<float>(scales[16 + c]));
        break;
      case TensorDtype::q6_k:
        for (size_t h = 0; h < 2; h++) {
          block.scale[h][c] = half_to_float(load_u16(supers + 2 * c)) * static_cast<float>(static_cast<int8_t>(scales[16 * h + c]));
        }
        break;
      default:
        block.scale[0][c] = block.scale[1][c] = half_to_float(load_u16(scales + 2 * c));
        if (has_minimum(dtype)) block.minimum[c] = half_to_float(load_u16(scales + 32 + 2 * c));
    }
  }
}

void unpack_block(TensorDtype dtype, const QuantPanel& panel, size_t block_idx, BlockColumns& block) {
  const QuantLayout layout = quant_layout(dtype);
  const uint8_t* codes = panel.codes + block_idx * layout.codes_bytes;
  const uint8_t* high = panel.high + block_idx * layout.high_bytes;
  for (size_t k = 0; k < kBlock; k++) {
    const size_t group = k / 4;
    for (size_t c = 0; c < kPanel; c++) {
      const size_t byte = c * 4 + k % 4;
      if (dtype == TensorDtype::q8_0) {
        block.codes[k][c] = static_cast<int8_t>(codes[group * 64 + byte]);
        continue;
      }
      int code = (codes[group % 4 * 64 + byte] >> (group < 4 ? 0 : 4)) & 15;
      if (dtype == TensorDtype::q6_k) code |= ((high[group / 4 * 64 + byte] >> (2 * (group % 4))) & 3) << 4;
      else if (layout.high_bytes != 0) code |= ((high[group * 8 + byte / 8] >> (byte % 8)) & 1) << 4;
      block.codes[k][c] = static_cast<int16_t>(code - code_offset(dtype));
    }
  }
  unpack_scales(dtype, panel, block_idx, block);
}

float float_panel_value(const FloatPanel& panel, size_t k, size_t column) {
  const size_t i = k * kPanel + column;
  switch (panel.dtype) {
    case TensorDtype::f32: return reinterpret_cast<const float*>(panel.values)[i];
    case TensorDtype::f16: return half_to_float(reinterpret_cast<const uint16_t*>(panel.values)[i]);
    case TensorDtype::bf16: return bits_to_float(static_cast<uint32_t>(reinterpret_cast<const uint16_t*>(panel.values)[i]) << 16);
    default: return fp8_to_float(panel.values[i]) * panel.scales[(k + panel.scale_offset) / panel.scale_block * kPanel + column];
  }
}

}  // namespace tandem
