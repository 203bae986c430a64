// The peaks of plain NEON: SMULL, SMLAL and SADALP for int8, eight groups of SMLAL before one SADALP for int4.
#if defined(__aarch64__)
#include "test/addon/peak_neon_impl.h"

namespace tandem {
namespace {

/** kGroups products of 16 bits in a lane before they are widened. */
template <int kGroups>
inline int32x4_t widening_step(int32x4_t sum, int8x16_t w, int8x16_t x) {
  int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x)), high = vmull_high_s8(w, x);
#pragma GCC unroll 8
  for (int g = 1; g < kGroups; g++) {
    // Products are equal here: keep the compiler from multiplying once.
    asm("" : "+w"(low), "+w"(high));
    low = vmlal_s8(low, vget_low_s8(w), vget_low_s8(x));
    high = vmlal_high_s8(high, w, x);
  }
  return vpadalq_s16(vpadalq_s16(sum, low), high);
}

float int8_peak(size_t repeats) { return int8_loop(repeats, widening_step<2>); }
float int4_peak(size_t repeats) { return int8_loop(repeats, widening_step<8>); }

}  // namespace

const PeakLoops kNeonPeak = {kF32Peak, {kChains * 2 * 32.0, int8_peak}, {kChains * 8 * 32.0, int4_peak}};

}  // namespace tandem
#endif
