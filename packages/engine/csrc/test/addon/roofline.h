// Owns measuring what the machine can do on each path: read bandwidth, and the arithmetic peak of the instructions the kernels use.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {

/** `repeats` rounds over register-resident data; the result is returned so that nothing is optimised away. */
struct PeakLoop {
  /** Operations of a round, a multiply-add counting as two. */
  double ops;
  float (*run)(size_t repeats);
};

struct PeakLoops {
  PeakLoop f32;
  /** 8-bit codes, and 4-bit codes (AVX2 and plain NEON widen eight products at once then; elsewhere the same). */
  PeakLoop int8, int4;
};

extern const PeakLoops kPortablePeak;
#if defined(__x86_64__)
extern const PeakLoops kAvx2Peak;
extern const PeakLoops kAvx512Peak;
/** Paths that multiply floats as the one before them. */
extern const PeakLoop kAvx2VnniInt8Peak;
extern const PeakLoop kAmxInt8Peak;
extern const PeakLoop kAmxBf16Peak;
#elif defined(__aarch64__)
extern const PeakLoops kNeonPeak;
extern const PeakLoops kNeonDotprodPeak;
extern const PeakLoops kNeonI8mmPeak;
#endif

}  // namespace tandem
