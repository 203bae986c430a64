// The int8 and bf16 peaks of AMX: products of whole tiles, in independent chains.
#if defined(__x86_64__)
#include "test/addon/roofline.h"

namespace tandem {
namespace {

#if defined(__AMX_INT8__)
constexpr int kChains = 4, kInt8Tile = 16 * 16 * 64, kBf16Tile = 16 * 16 * 32;

struct alignas(64) WholeTiles {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64};
  uint8_t num_rows[16] = {16, 16, 16, 16, 16, 16};
};

void start() {
  const WholeTiles config;
  asm volatile("ldtilecfg %0\n\ttilezero %%tmm0\n\ttilezero %%tmm1\n\ttilezero %%tmm2\n\ttilezero %%tmm3\n\ttilezero %%tmm4\n\ttilezero %%tmm5" :: "m"(config));
}

float int8_peak(size_t repeats) {
  start();
  for (size_t i = 0; i < repeats; i++) {
    asm volatile("tdpbssd %tmm5, %tmm4, %tmm0\n\ttdpbssd %tmm5, %tmm4, %tmm1\n\ttdpbssd %tmm5, %tmm4, %tmm2\n\ttdpbssd %tmm5, %tmm4, %tmm3");
  }
  asm volatile("tilerelease");
  return 0;
}

float bf16_peak(size_t repeats) {
  start();
  for (size_t i = 0; i < repeats; i++) {
    asm volatile("tdpbf16ps %tmm5, %tmm4, %tmm0\n\ttdpbf16ps %tmm5, %tmm4, %tmm1\n\ttdpbf16ps %tmm5, %tmm4, %tmm2\n\ttdpbf16ps %tmm5, %tmm4, %tmm3");
  }
  asm volatile("tilerelease");
  return 0;
}
#else
constexpr int kChains = 0, kInt8Tile = 0, kBf16Tile = 0;
float int8_peak(size_t) { return 0; }
float bf16_peak(size_t) { return 0; }
#endif

}  // namespace

const PeakLoop kAmxInt8Peak = {kChains * kInt8Tile * 2.0, int8_peak};
const PeakLoop kAmxBf16Peak = {kChains * kBf16Tile * 2.0, bf16_peak};

}  // namespace tandem
#endif
