// Owns rounding float32 to fp8 e4m3 (finite, saturating at 448), half to even. Scalar; shared by every path.
#pragma once

#include <cstdint>

namespace tandem {

static inline uint8_t float_to_fp8(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  const uint8_t sign = static_cast<uint8_t>((bits >> 24) & 0x80u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7f;
  if (magnitude >= 0x43e00000u) return sign | 0x7e;  // 448 and above
  if (magnitude < 0x3c800000u) {                     // below 2^-6: multiples of 2^-9
    float value;
    __builtin_memcpy(&value, &magnitude, 4);
    // 2^23 forces rounding to an integer, half to even.
    const float scaled = value * 512.0f + 8388608.0f;
    return static_cast<uint8_t>(sign | static_cast<uint8_t>(static_cast<int32_t>(scaled - 8388608.0f)));
  }
  const uint32_t rounded = magnitude + 0x7ffffu + ((magnitude >> 20) & 1u);
  const uint32_t code = (rounded >> 20) - (120u << 3);
  return static_cast<uint8_t>(sign | (code > 0x7e ? 0x7e : code));
}

}  // namespace tandem
