// The peak of SMMLA.
#if defined(__aarch64__)
#include "test/addon/peak_neon_impl.h"

namespace tandem {
namespace {

float int8_peak(size_t repeats) {
  return int8_loop(repeats, [](int32x4_t sum, int8x16_t w, int8x16_t x) { return vmmlaq_s32(sum, w, x); });
}

}  // namespace

const PeakLoops kNeonI8mmPeak = {kF32Peak, {kChains * 64.0, int8_peak}, {kChains * 64.0, int8_peak}};

}  // namespace tandem
#endif
