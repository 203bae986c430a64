// The int8 peak of AVX2 with VNNI: vpdpbusd in independent chains.
#if defined(__x86_64__)
#include "test/addon/roofline.h"

#if defined(__AVXVNNI__)
#include <immintrin.h>
#endif

namespace tandem {
namespace {

constexpr int kChains = 12;

float int8_peak(size_t repeats) {
#if defined(__AVXVNNI__)
  __m256i sum[kChains];
  const __m256i w = _mm256_set1_epi8(3);
  __m256i x = _mm256_set1_epi8(5);
  for (int c = 0; c < kChains; c++) sum[c] = _mm256_setzero_si256();
  for (size_t i = 0; i < repeats; i++) {
    asm volatile("" : "+x"(x));
#pragma GCC unroll 16
    for (int c = 0; c < kChains; c++) sum[c] = _mm256_dpbusd_avx_epi32(sum[c], w, x);
  }
  float total = 0;
  for (int c = 0; c < kChains; c++) total += static_cast<float>(_mm256_extract_epi32(sum[c], 0));
  return total;
#else
  return static_cast<float>(repeats);
#endif
}

}  // namespace

const PeakLoop kAvx2VnniInt8Peak = {kChains * 64.0, int8_peak};

}  // namespace tandem
#endif
