// Owns measuring what the machine can do on each path: read bandwidth, and the arithmetic peak of the instructions the kernels use.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {

/** Sums of `repeats` rounds over register-resident data; returned so that nothing is optimised away. */
struct PeakLoops {
  /** Multiply-adds counted as two operations: per round. */
  double int8_ops, f32_ops;
  float (*int8)(size_t repeats);
  float (*f32)(size_t repeats);
};

extern const PeakLoops kPortablePeak;
#if defined(__x86_64__)
extern const PeakLoops kAvx2Peak;
extern const PeakLoops kAvx512Peak;
#endif

}  // namespace tandem
