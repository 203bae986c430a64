// Owns the sampler's exponential in double precision, the same operations as src/sampler/exact-math.ts in the same order, so every
// path and TypeScript agree to the last bit. A plain loop without branches: compilers turn it into vectors of the path.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {
namespace {

/** 1 / n! */
constexpr double kInverseFactorials[14] = {
  1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800,
  1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800
};

/** y[i] = exp((x[i] - shift) / divisor) for x[i] <= shift; exactly 0 under -700 and for NaN. */
void exp_non_positive_impl(const double* x, double shift, double divisor, double* y, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const double value = (x[i] - shift) / divisor;
    const bool kept = value >= -700.0;
    const double v = kept ? value : 0.0;
    const double k = __builtin_floor(v * 1.4426950408889634 + 0.5);
    const double r = (v - k * 0.6931471803691238) - k * 1.9082149292705877e-10;
    double sum = kInverseFactorials[13];
    for (int n = 12; n >= 0; n--) sum = sum * r + kInverseFactorials[n];
    // Adding 1.5 * 2^52 leaves the integer k + 1023 in the low bits; shifted up it is the exponent of 2^k.
    const double biased = (k + 1023.0) + 6755399441055744.0;
    uint64_t bits;
    __builtin_memcpy(&bits, &biased, 8);
    bits <<= 52;
    double power;
    __builtin_memcpy(&power, &bits, 8);
    y[i] = kept ? sum * power : 0.0;
  }
}

}  // namespace
}  // namespace tandem
