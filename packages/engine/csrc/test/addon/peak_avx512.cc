// The AVX-512 peaks: vpdpbusd for int8, FMA for float32, in independent chains.
#if defined(__x86_64__)
#include <immintrin.h>

#include "test/addon/roofline.h"

namespace tandem {
namespace {

constexpr int kChains = 16;

float int8_peak(size_t repeats) {
  __m512i sum[kChains];
  const __m512i w = _mm512_set1_epi8(3);
  __m512i x = _mm512_set1_epi8(5);
  for (int c = 0; c < kChains; c++) sum[c] = _mm512_setzero_si512();
  for (size_t i = 0; i < repeats; i++) {
    asm volatile("" : "+v"(x));
#pragma GCC unroll 16
    for (int c = 0; c < kChains; c++) sum[c] = _mm512_dpbusd_epi32(sum[c], w, x);
  }
  float total = 0;
  for (int c = 0; c < kChains; c++) total += static_cast<float>(_mm512_cvtsi512_si32(sum[c]));
  return total;
}

float f32_peak(size_t repeats) {
  __m512 sum[kChains];
  __m512 x = _mm512_set1_ps(1e-9f);
  const __m512 w = _mm512_set1_ps(0.5f);
  for (int c = 0; c < kChains; c++) sum[c] = _mm512_setzero_ps();
  for (size_t i = 0; i < repeats; i++) {
    asm volatile("" : "+v"(x));
#pragma GCC unroll 16
    for (int c = 0; c < kChains; c++) sum[c] = _mm512_fmadd_ps(x, w, sum[c]);
  }
  float total = 0;
  for (int c = 0; c < kChains; c++) total += _mm512_cvtss_f32(sum[c]);
  return total;
}

}  // namespace

const PeakLoops kAvx512Peak = {{kChains * 32.0, f32_peak}, {kChains * 128.0, int8_peak}, {kChains * 128.0, int8_peak}};

}  // namespace tandem
#endif
