// Owns the rows that the bf16 product takes (bf16_rows.h): plain, behind an RMSNorm, behind SwiGLU.
#if defined(__x86_64__)
#include "kernels/quant_panels.h"

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
#include "kernels/bf16_rows.h"
// First the vector, then what is written over it.
#include "kernels/simd_avx512.h"
#include "kernels/quantized_rows_impl.h"

namespace tandem {
namespace {

class Bf16Quantizer {
 public:
  void add(F low, F high, QuantBlock* out) {
    // Within eight bytes, the middle two numbers change places.
    const __m512i order = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
    const auto words = (__m512i)_mm512_cvtne2ps_pbh(scaled(high), scaled(low));
    _mm512_store_si512(out, _mm512_shuffle_epi8(words, order));
  }

 private:
  /** NaN stays NaN: a minimum or maximum instruction returns its second operand then. */
  static __m512 scaled(F x) {
    const __m512 limit = _mm512_set1_ps(kBf16RowLimit);
    const __m512 cut = _mm512_max_ps(_mm512_sub_ps(_mm512_setzero_ps(), limit), _mm512_min_ps(limit, x.v));
    return _mm512_mul_ps(cut, _mm512_set1_ps(kBf16RowScale));
  }
};

}  // namespace

const QuantRows kAmxBf16Rows = {quantize_rows_impl<Bf16Quantizer>, rms_norm_quantize_impl<Bf16Quantizer>,
                                swiglu_quantize_impl<Bf16Quantizer>};

}  // namespace tandem
#else

namespace tandem {
const QuantRows kAmxBf16Rows = {};
}
#endif
#endif
