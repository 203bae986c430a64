// Owns the AVX-512 VNNI product of 8-bit activations with quantised panels. vpdpbusd takes weights as unsigned bytes and activations,
// four at a time, broadcast. A tile of up to four rows unpacks a block and has done with it; with more rows the first tile keeps what it
// unpacks, a few blocks at a time, and the others read it.
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

template <TensorDtype D>
inline __m512i dot_start(const QuantBlock& a) {
  if constexpr (D == TensorDtype::q4_0) return _mm512_set1_epi32(a.start_q4_0);
  if constexpr (D == TensorDtype::q5_0) return _mm512_set1_epi32(a.start_q5_0);
  if constexpr (D == TensorDtype::q8_0) return _mm512_set1_epi32(a.start_q8_0);
  return _mm512_setzero_si512();
}

/** Blocks unpacked at a time; they stay in the first-level cache beside the rows. */
constexpr size_t kChunk = 9;

/** Panels of a call, blocks [begin, end) of them. */
struct Chunk {
  QuantPanel panels[2];
  size_t begin, end;
  /** [panel][block - begin], for tiles that share what the first of them unpacks. */
  UnpackedBlock (*blocks)[kChunk];
  /** Whether sums of earlier chunks lie in the output. */
  bool adds;
};

inline __m512i broadcast_four(const int8_t* q) {
  int32_t four;
  __builtin_memcpy(&four, q, 4);
  return _mm512_set1_epi32(four);
}

/** A tile that works on a chunk alone, the first of several, one that reads what the first has unpacked. */
enum class Turn { alone, first, later };

/**
 * R rows of P panels of a chunk, to `out`, whose rows are out_stride floats apart. With two panels each broadcast serves both, which halves
 * the loads that bound a single one.
 */
template <TensorDtype D, int R, int P, Turn kTurn>
[[gnu::noinline]] void tile(const Chunk& chunk, size_t panel_idx, const QuantBlock* x, size_t stride, float* out, size_t out_stride,
                            PrefetchTurn prefetch) {
  constexpr bool kHalves = D == TensorDtype::q6_k;
  QuantPanel panels[P];
  UnpackedBlock* blocks[P];
  for (int c = 0; c < P; c++) {
    panels[c] = chunk.panels[panel_idx + static_cast<size_t>(c)];
    blocks[c] = kTurn == Turn::alone ? nullptr : chunk.blocks[panel_idx + static_cast<size_t>(c)];
  }
  const bool adds = chunk.adds;
  __m512 sum[R][P];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    for (int c = 0; c < P; c++) sum[r][c] = adds ? _mm512_loadu_ps(out + static_cast<size_t>(r) * out_stride + 16 * c) : _mm512_setzero_ps();
  }
  for (size_t b = chunk.begin, end = chunk.end; b < end; b++) {
    if (prefetch.due()) {
      for (int c = 0; c < P; c++) prefetch_next<D, P>(panels[c], b);
    }
    __m512i dots[R][P], high_dots[kHalves ? R : 1][P];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const QuantBlock& a = x[static_cast<size_t>(r) * stride + b];
      for (int c = 0; c < P; c++) {
        dots[r][c] = kHalves ? _mm512_set1_epi32(a.start_q6_k_low) : dot_start<D>(a);
        if constexpr (kHalves) high_dots[r][c] = _mm512_set1_epi32(a.start_q6_k_high);
      }
    }
    WeightSum<D> sums[P];
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) {
      __m512i low[P], high[P];
      for (int c = 0; c < P; c++) {
        if constexpr (kTurn == Turn::later) {
          low[c] = _mm512_load_si512(blocks[c]->codes[v]);
          high[c] = _mm512_load_si512(blocks[c]->codes[v + 4]);
        } else {
          load_groups<D>(panels[c], b, v, low[c], high[c]);
          sums[c].add(low[c], high[c]);
          if constexpr (kTurn == Turn::first) keep_codes(v, low[c], high[c], *blocks[c]);
        }
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        const int8_t* q = x[static_cast<size_t>(r) * stride + b].q + 4 * v;
        __m512i* high_sums = kHalves ? high_dots[kHalves ? r : 0] : dots[r];
        if constexpr (P == 1) {
          dots[r][0] = add_dot4(dots[r][0], low[0], q);
          high_sums[0] = add_dot4(high_sums[0], high[0], q + 16);
        } else {
          const __m512i q_low = broadcast_four(q), q_high = broadcast_four(q + 16);
          for (int c = 0; c < P; c++) {
            dots[r][c] = _mm512_dpbusd_epi32(dots[r][c], low[c], q_low);
            high_sums[c] = _mm512_dpbusd_epi32(high_sums[c], high[c], q_high);
          }
        }
      }
    }
    Scales scales[P];
    __m512 weight_sum[P];
    for (int c = 0; c < P; c++) {
      if constexpr (kTurn == Turn::later) {
        scales[c] = kept_scales(*blocks[c]);
        weight_sum[c] = _mm512_load_ps(blocks[c]->weight_sum);
      } else {
        scales[c] = load_scales<D>(panels[c], b);
        weight_sum[c] = sums[c].scaled(scales[c]);
        if constexpr (kTurn == Turn::first) keep_scales(scales[c], weight_sum[c], *blocks[c]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const QuantBlock& a = x[static_cast<size_t>(r) * stride + b];
      for (int c = 0; c < P; c++) {
        const __m512i high_dot = kHalves ? high_dots[kHalves ? r : 0][c] : dots[r][c];
        sum[r][c] = add_block<D>(sum[r][c], dots[r][c], high_dot, scales[c], weight_sum[c], a);
      }
    }
    if constexpr (kTurn != Turn::alone) {
      for (int c = 0; c < P; c++) blocks[c]++;
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    for (int c = 0; c < P; c++) _mm512_storeu_ps(out + static_cast<size_t>(r) * out_stride + 16 * c, sum[r][c]);
  }
}

/** Up to four rows: one tile, or one for each panel. */
template <TensorDtype D>
void few_rows(const Chunk& chunk, size_t num_panels, const QuantBlock* x, size_t stride, size_t num_rows, float* out) {
  constexpr PrefetchTurn prefetch = {0, 1};
  constexpr Turn alone = Turn::alone;
  const size_t out_stride = 16 * num_panels;
  if (num_rows == 4 && num_panels == 2) return tile<D, 4, 2, alone>(chunk, 0, x, stride, out, out_stride, prefetch);
  const auto run = num_rows == 4 ? tile<D, 4, 1, alone> : num_rows == 3 ? tile<D, 3, 1, alone> : num_rows == 2 ? tile<D, 2, 1, alone> : tile<D, 1, 1, alone>;
  for (size_t p = 0; p < num_panels; p++) run(chunk, p, x, stride, out + 16 * p, out_stride, prefetch);
}

/** More than four rows: tiles of four, then one of the rest for each panel. */
template <TensorDtype D>
void many_rows(const Chunk& chunk, size_t num_panels, const QuantBlock* x, size_t stride, size_t num_rows, float* out) {
  constexpr Turn first = Turn::first, later = Turn::later;
  const size_t out_stride = 16 * num_panels, num_tiles = num_rows / 4, rest = num_rows % 4;
  for (size_t t = 0; t < num_tiles; t++, x += 4 * stride, out += 4 * out_stride) {
    const auto run = num_panels == 2 ? (t == 0 ? tile<D, 4, 2, first> : tile<D, 4, 2, later>) : (t == 0 ? tile<D, 4, 1, first> : tile<D, 4, 1, later>);
    run(chunk, 0, x, stride, out, out_stride, {t, num_tiles});
  }
  if (rest == 0) return;
  const auto run = rest == 3 ? tile<D, 3, 1, later> : rest == 2 ? tile<D, 2, 1, later> : tile<D, 1, 1, later>;
  for (size_t p = 0; p < num_panels; p++) run(chunk, p, x, stride, out + 16 * p, out_stride, kNoPrefetch);
}

template <TensorDtype D>
void panel_product(const QuantPanel& first, size_t num_panels, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride,
                   size_t num_rows, float* out) {
  Chunk chunk = {{first, panel_after(first)}, block_begin, block_end, nullptr, false};
  if (num_rows <= 4) return few_rows<D>(chunk, num_panels, x, stride, num_rows, out);
  UnpackedBlock blocks[2][kChunk];
  chunk.blocks = blocks;
  const size_t num_blocks = block_end - block_begin, num_chunks = (num_blocks + kChunk - 1) / kChunk;
  for (size_t i = 0; i < num_chunks; i++) {
    chunk.begin = block_begin + num_blocks * i / num_chunks;
    chunk.end = block_begin + num_blocks * (i + 1) / num_chunks;
    chunk.adds = i > 0;
    many_rows<D>(chunk, num_panels, x, stride, num_rows, out);
  }
}

}  // namespace

const QuantPanels kAvx512QuantPanels = TANDEM_QUANT_PANELS(2, panel_product);

}  // namespace tandem
#endif
