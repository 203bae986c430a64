// Owns the AVX-512 VNNI product of 8-bit activations with quantised panels. vpdpbusd takes weights as unsigned bytes and
// activations, four at a time, broadcast. Four rows or more: two panels at once, so that a broadcast serves both. Fewer: a block's
// 16 x 32 weights of one panel are unpacked into eight registers and broadcasts are folded into the instruction. The first tile of rows
// sums the weights it unpacks, for the activations' zero; the other tiles read those sums.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/avx512_block_impl.h"
#include "kernels/quant_panels.h"

namespace tandem {
namespace {

/** sum + dot of four unsigned weight bytes with four signed activations, per lane. Written out because compilers load the broadcast
 *  into a register of its own instead of folding it. */
inline __m512i add_dot4(__m512i sum, __m512i w, const int8_t* q) {
  using Four [[gnu::may_alias]] = int32_t;
  asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(w), "m"(*reinterpret_cast<const Four*>(q)));
  return sum;
}

template <int kFirst, int kLast>
inline __m512i dot(__m512i sum, const __m512i* w, const int8_t* q) {
#pragma GCC unroll 8
  for (int g = kFirst; g < kLast; g++) sum = add_dot4(sum, w[g], q + 4 * g);
  return sum;
}

template <TensorDtype D>
inline __m512i dot_start(const QuantBlock& a) {
  if constexpr (D == TensorDtype::q4_0) return _mm512_set1_epi32(a.start_q4_0);
  if constexpr (D == TensorDtype::q5_0) return _mm512_set1_epi32(a.start_q5_0);
  if constexpr (D == TensorDtype::q8_0) return _mm512_set1_epi32(a.start_q8_0);
  return _mm512_setzero_si512();
}

inline __m512 add_scaled(__m512i dot_product, __m512 weight_scale, float x_scale, __m512 sum) {
  return _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot_product), _mm512_mul_ps(weight_scale, _mm512_set1_ps(x_scale)), sum);
}

/** Blocks between two stops of a tile: their sums of weights stay in the first-level cache. */
constexpr size_t kChunk = 64;

/** Blocks of one panel or two. The first tile that works on them fills weight_sum, [block][panel][16], the others read it. */
struct Chunk {
  QuantPanel first;
  size_t begin, end;
  float (*weight_sum)[2][16];
  /** Whether sums of earlier chunks lie in the output. */
  bool adds;
};

/** R rows of one panel of a chunk, to `out`, whose rows are out_stride floats apart. kFirst: no tile has worked on the chunk yet. */
template <TensorDtype D, int R, bool kFirst>
[[gnu::noinline]] void tile(const Chunk& chunk, size_t panel_idx, const QuantBlock* x, size_t stride, float* out, size_t out_stride,
                            PrefetchTurn prefetch) {
  const QuantPanel panel = panel_idx == 0 ? chunk.first : panel_after(chunk.first);
  float (*stored)[2][16] = chunk.weight_sum;
  __m512 sum[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) sum[r] = chunk.adds ? _mm512_loadu_ps(out + static_cast<size_t>(r) * out_stride) : _mm512_setzero_ps();
  for (size_t b = chunk.begin, end = chunk.end; b < end; b++, stored++) {
    __m512i w[8];
    WeightSum<D> sums;
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) {
      load_groups<D>(panel, b, v, w[v], w[v + 4]);
      if constexpr (kFirst) sums.add(w[v], w[v + 4]);
    }
    if (prefetch.due()) prefetch_next<D>(panel, b);
    const Scales scales = load_scales<D>(panel, b);
    const __m512 weight_sum = kFirst ? sums.scaled(scales) : _mm512_load_ps((*stored)[panel_idx]);
    if constexpr (kFirst) _mm512_store_ps((*stored)[panel_idx], weight_sum);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const QuantBlock& a = x[static_cast<size_t>(r) * stride + b];
      if constexpr (D == TensorDtype::q6_k) {
        sum[r] = add_scaled(dot<0, 4>(_mm512_set1_epi32(a.start_q6_k_low), w, a.q), scales.first, a.scale, sum[r]);
        sum[r] = add_scaled(dot<4, 8>(_mm512_set1_epi32(a.start_q6_k_high), w, a.q), scales.second, a.scale, sum[r]);
      } else {
        sum[r] = add_scaled(dot<0, 8>(dot_start<D>(a), w, a.q), scales.first, a.scale, sum[r]);
        if constexpr (has_minimum(D)) sum[r] = _mm512_fmadd_ps(scales.second, _mm512_set1_ps(a.scaled_sum), sum[r]);
      }
      sum[r] = _mm512_fmadd_ps(weight_sum, _mm512_set1_ps(a.scaled_zero), sum[r]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) _mm512_storeu_ps(out + static_cast<size_t>(r) * out_stride, sum[r]);
}

inline __m512i broadcast_four(const int8_t* q) {
  int32_t four;
  __builtin_memcpy(&four, q, 4);
  return _mm512_set1_epi32(four);
}

/** R rows of two panels: each broadcast serves both, which halves the loads that bound a single panel. To out[R][32]. */
template <TensorDtype D, int R, bool kFirst>
[[gnu::noinline]] void tile_pair(const Chunk& chunk, const QuantBlock* x, size_t stride, float* out, PrefetchTurn prefetch) {
  constexpr bool kHalves = D == TensorDtype::q6_k;
  const QuantPanel first = chunk.first, second = panel_after(first);
  float (*stored)[2][16] = chunk.weight_sum;
  __m512 sum[R][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    sum[r][0] = chunk.adds ? _mm512_loadu_ps(out + 32 * r) : _mm512_setzero_ps();
    sum[r][1] = chunk.adds ? _mm512_loadu_ps(out + 32 * r + 16) : _mm512_setzero_ps();
  }
  for (size_t b = chunk.begin, end = chunk.end; b < end; b++, stored++) {
    if (prefetch.due()) {
      // The panels after these two.
      prefetch_next<D>(second, b);
      prefetch_next<D>(panel_after(second), b);
    }
    WeightSum<D> sums[2];
    __m512i dots[R][2], high_dots[kHalves ? R : 1][2];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const QuantBlock& a = x[static_cast<size_t>(r) * stride + b];
      dots[r][0] = dots[r][1] = kHalves ? _mm512_set1_epi32(a.start_q6_k_low) : dot_start<D>(a);
      if constexpr (kHalves) high_dots[r][0] = high_dots[r][1] = _mm512_set1_epi32(a.start_q6_k_high);
    }
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) {
      __m512i low[2], high[2];
      load_groups<D>(first, b, v, low[0], high[0]);
      load_groups<D>(second, b, v, low[1], high[1]);
      if constexpr (kFirst) {
        for (int c = 0; c < 2; c++) sums[c].add(low[c], high[c]);
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        const int8_t* q = x[static_cast<size_t>(r) * stride + b].q + 4 * v;
        const __m512i q_low = broadcast_four(q), q_high = broadcast_four(q + 16);
        __m512i* high_sums = kHalves ? high_dots[kHalves ? r : 0] : dots[r];
        for (int c = 0; c < 2; c++) {
          dots[r][c] = _mm512_dpbusd_epi32(dots[r][c], low[c], q_low);
          high_sums[c] = _mm512_dpbusd_epi32(high_sums[c], high[c], q_high);
        }
      }
    }
    const Scales scales[2] = {load_scales<D>(first, b), load_scales<D>(second, b)};
    if constexpr (kFirst) {
      for (int c = 0; c < 2; c++) _mm512_store_ps((*stored)[c], sums[c].scaled(scales[c]));
    }
    const __m512 weight_sum[2] = {_mm512_load_ps((*stored)[0]), _mm512_load_ps((*stored)[1])};
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const QuantBlock& a = x[static_cast<size_t>(r) * stride + b];
      for (int c = 0; c < 2; c++) {
        sum[r][c] = add_scaled(dots[r][c], scales[c].first, a.scale, sum[r][c]);
        if constexpr (kHalves) sum[r][c] = add_scaled(high_dots[r][c], scales[c].second, a.scale, sum[r][c]);
        if constexpr (has_minimum(D)) sum[r][c] = _mm512_fmadd_ps(scales[c].second, _mm512_set1_ps(a.scaled_sum), sum[r][c]);
        sum[r][c] = _mm512_fmadd_ps(weight_sum[c], _mm512_set1_ps(a.scaled_zero), sum[r][c]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    _mm512_storeu_ps(out + 32 * r, sum[r][0]);
    _mm512_storeu_ps(out + 32 * r + 16, sum[r][1]);
  }
}

/** `filled`: the sums of weights are there. */
template <TensorDtype D>
void one_panel(const Chunk& chunk, size_t panel_idx, const QuantBlock* x, size_t stride, size_t num_rows, float* out, size_t out_stride,
               bool filled) {
  PrefetchTurn prefetch = filled ? kNoPrefetch : PrefetchTurn{0, 1};
  auto run = [&](auto filling, auto reading, size_t rows) {
    (filled ? reading : filling)(chunk, panel_idx, x, stride, out, out_stride, prefetch);
    filled = true;
    prefetch = kNoPrefetch;
    x += rows * stride;
    out += out_stride * rows;
    num_rows -= rows;
  };
  while (num_rows >= 16) run(tile<D, 16, true>, tile<D, 16, false>, 16);
  if (num_rows >= 8) run(tile<D, 8, true>, tile<D, 8, false>, 8);
  if (num_rows >= 4) run(tile<D, 4, true>, tile<D, 4, false>, 4);
  if (num_rows >= 2) run(tile<D, 2, true>, tile<D, 2, false>, 2);
  if (num_rows >= 1) run(tile<D, 1, true>, tile<D, 1, false>, 1);
}

template <TensorDtype D>
void chunk_product(const Chunk& chunk, size_t num_panels, const QuantBlock* x, size_t stride, size_t num_rows, float* out) {
  constexpr size_t kRows = 4;
  const size_t out_stride = 16 * num_panels, paired = num_panels == 2 ? num_rows / kRows * kRows : 0;
  for (size_t row = 0; row < paired; row += kRows) {
    const auto run = row == 0 ? tile_pair<D, kRows, true> : tile_pair<D, kRows, false>;
    run(chunk, x + row * stride, stride, out + row * out_stride, {row / kRows, paired / kRows});
  }
  if (paired == num_rows) return;
  x += paired * stride;
  out += paired * out_stride;
  for (size_t p = 0; p < num_panels; p++) one_panel<D>(chunk, p, x, stride, num_rows - paired, out + 16 * p, out_stride, paired != 0);
}

template <TensorDtype D>
void panel_product(const QuantPanel& first, size_t num_panels, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride,
                   size_t num_rows, float* out) {
  alignas(64) float weight_sum[kChunk][2][16];
  for (size_t begin = block_begin; begin < block_end; begin += kChunk) {
    const size_t end = block_end - begin < kChunk ? block_end : begin + kChunk;
    chunk_product<D>({first, begin, end, weight_sum, begin > block_begin}, num_panels, x, stride, num_rows, out);
  }
}

}  // namespace

const QuantPanels kAvx512QuantPanels = TANDEM_QUANT_PANELS(2, panel_product);

}  // namespace tandem
#endif
