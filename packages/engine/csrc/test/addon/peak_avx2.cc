// The AVX2 peaks: vpmaddubsw + vpmaddwd + vpaddd for int8, eight vpmaddubsw before one vpmaddwd for int4, FMA for float32.
#if defined(__x86_64__)
#include <immintrin.h>

#include "test/addon/roofline.h"

namespace tandem {
namespace {

constexpr int kChains = 10;

float int8_peak(size_t repeats) {
  __m256i sum[kChains];
  const __m256i w = _mm256_set1_epi8(3), ones = _mm256_set1_epi16(1);
  __m256i x = _mm256_set1_epi8(5);
  for (int c = 0; c < kChains; c++) sum[c] = _mm256_setzero_si256();
  for (size_t i = 0; i < repeats; i++) {
    asm volatile("" : "+x"(x));
#pragma GCC unroll 16
    for (int c = 0; c < kChains; c++) {
      __m256i products = _mm256_maddubs_epi16(w, x);
      asm volatile("" : "+x"(products));
      sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(products, ones));
    }
  }
  float total = 0;
  for (int c = 0; c < kChains; c++) total += static_cast<float>(_mm256_extract_epi32(sum[c], 0));
  return total;
}

constexpr int kNarrowChains = 4;

float int4_peak(size_t repeats) {
  __m256i sum[kNarrowChains], narrow[kNarrowChains];
  const __m256i w = _mm256_set1_epi8(3), ones = _mm256_set1_epi16(1);
  __m256i x = _mm256_set1_epi8(5);
  for (int c = 0; c < kNarrowChains; c++) sum[c] = _mm256_setzero_si256();
  for (size_t i = 0; i < repeats; i++) {
#pragma GCC unroll 8
    for (int g = 0; g < 8; g++) {
#pragma GCC unroll 4
      for (int c = 0; c < kNarrowChains; c++) {
        asm volatile("" : "+x"(x));
        const __m256i products = _mm256_maddubs_epi16(w, x);
        narrow[c] = g == 0 ? products : _mm256_add_epi16(narrow[c], products);
        asm volatile("" : "+x"(narrow[c]));
      }
    }
#pragma GCC unroll 4
    for (int c = 0; c < kNarrowChains; c++) sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(narrow[c], ones));
  }
  float total = 0;
  for (int c = 0; c < kNarrowChains; c++) total += static_cast<float>(_mm256_extract_epi32(sum[c], 0));
  return total;
}

float f32_peak(size_t repeats) {
  __m256 sum[kChains];
  __m256 x = _mm256_set1_ps(1e-9f);
  const __m256 w = _mm256_set1_ps(0.5f);
  for (int c = 0; c < kChains; c++) sum[c] = _mm256_setzero_ps();
  for (size_t i = 0; i < repeats; i++) {
    asm volatile("" : "+x"(x));
#pragma GCC unroll 16
    for (int c = 0; c < kChains; c++) sum[c] = _mm256_fmadd_ps(x, w, sum[c]);
  }
  float total = 0;
  for (int c = 0; c < kChains; c++) total += _mm256_cvtss_f32(sum[c]);
  return total;
}

}  // namespace

const PeakLoops kAvx2Peak = {{kChains * 16.0, f32_peak}, {kChains * 64.0, int8_peak}, {kNarrowChains * 8 * 64.0, int4_peak}};

}  // namespace tandem
#endif
