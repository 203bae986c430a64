#include "connector/activation_codec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "kernels/activations.h"

namespace tandem {

namespace {

constexpr float kE4m3Max = 448;
// Keeps a group of zeros from dividing by zero.
constexpr float kAmaxFloor = 1e-4f;

uint8_t to_e4m3(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const auto sign = static_cast<uint8_t>((bits >> 24) & 0x80);
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return sign | 0x7F;
  const float absolute = std::fabs(value);
  // Below 2^-6 codes are multiples of 2^-9.
  if (absolute < 0x1p-6f) return sign | static_cast<uint8_t>(std::nearbyint(absolute * 512));
  const uint32_t rounded = magnitude + 0x7FFFF + ((magnitude >> 20) & 1);
  // Exponent bias 127 becomes 7, above three mantissa bits.
  return sign | static_cast<uint8_t>(std::min<uint32_t>((rounded >> 20) - (120u << 3), 0x7E));
}

std::array<float, 256> make_e4m3_values() {
  std::array<float, 256> values{};
  for (int code = 0; code < 256; code++) {
    const float sign = (code & 0x80) != 0 ? -1.0f : 1.0f;
    const int exponent = (code >> 3) & 15;
    const auto mantissa = static_cast<float>(code & 7);
    values[code] = exponent == 0 ? sign * std::ldexp(mantissa, -9) : sign * std::ldexp(1 + mantissa / 8, exponent - 7);
    if (exponent == 15 && (code & 7) == 7) values[code] = std::nanf("");
  }
  return values;
}

void encode_fp8_row(const float* values, size_t hidden_size, uint8_t* out, float* scales) {
  for (size_t begin = 0; begin < hidden_size; begin += kScaleChannels) {
    const size_t end = std::min<size_t>(begin + kScaleChannels, hidden_size);
    float amax = kAmaxFloor;
    for (size_t i = begin; i < end; i++) amax = std::max(amax, std::fabs(values[i]));
    const float scale = amax / kE4m3Max;
    *scales++ = scale;
    for (size_t i = begin; i < end; i++) out[i] = to_e4m3(values[i] / scale);
  }
}

}  // namespace

void encode_activations(const float* values, size_t num_rows, size_t hidden_size, FrameDtype dtype, std::byte* out,
                        float* scales) {
  const size_t count = num_rows * hidden_size;
  if (dtype == FrameDtype::f32) {
    std::memcpy(out, values, count * sizeof(float));
  } else if (dtype == FrameDtype::bf16) {
    to_bf16(values, reinterpret_cast<uint16_t*>(out), count);
  } else {
    const size_t groups = (hidden_size + kScaleChannels - 1) / kScaleChannels;
    for (size_t row = 0; row < num_rows; row++) {
      encode_fp8_row(values + row * hidden_size, hidden_size, reinterpret_cast<uint8_t*>(out) + row * hidden_size,
                     scales + row * groups);
    }
  }
}

void decode_activations(const std::byte* in, const float* scales, size_t num_rows, size_t hidden_size,
                        FrameDtype dtype, float* values) {
  static const std::array<float, 256> e4m3 = make_e4m3_values();
  const size_t count = num_rows * hidden_size;
  if (dtype == FrameDtype::f32) {
    std::memcpy(values, in, count * sizeof(float));
    return;
  }
  if (dtype == FrameDtype::bf16) {
    from_bf16(reinterpret_cast<const uint16_t*>(in), values, count);
    return;
  }
  const size_t groups = (hidden_size + kScaleChannels - 1) / kScaleChannels;
  const auto* codes = reinterpret_cast<const uint8_t*>(in);
  for (size_t row = 0; row < num_rows; row++) {
    for (size_t i = 0; i < hidden_size; i++) {
      values[row * hidden_size + i] = e4m3[codes[row * hidden_size + i]] * scales[row * groups + i / kScaleChannels];
    }
  }
}

}  // namespace tandem
