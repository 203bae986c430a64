// Owns the AMX product of bf16 activations with quantised panels. Weights become bf16, scale and minimum included, ahead of the tiles
// that take them; so a sum stays in its tile register over all blocks, and nothing is scaled row by row. The price is other bits than
// 8-bit activations give, and the gain besides speed is less error than they have.
//
// A code becomes a half-precision number and w = scale * code + minimum is one operation on 32 of them. A half turns into bf16 by shifting
// its exponent down to where bf16 has it: what was 2^e is then 2^(e - 112), which the activations make up for (bf16_rows.h). The shift cuts
// three bits off; kUnit makes that even out.
#if defined(__x86_64__)
#include "kernels/quant_panels.h"

#if defined(__AMX_BF16__) && defined(__AVX512FP16__) && defined(__AVX512VBMI__)
#include "kernels/avx512_block_impl.h"
#include "kernels/bf16_rows.h"
#include "kernels/tile_config.h"
#include "kernels/tile_instructions.h"

namespace tandem {
namespace {

constexpr size_t kTileRows = 16;
constexpr size_t kMaxCallPanels = 2;

/** A block of a panel as a tile: row 2 * g + j holds inputs 4 * g + j and 4 * g + j + 2 of each column, side by side. */
struct alignas(64) TileBlock {
  uint16_t rows[16][32];
};

/** kBf16WeightScale, and what cutting numbers to 8 significant bits takes off them on average, 0.72 / 256. */
constexpr float kUnit = kBf16WeightScale * (1 + 0.72f / 256);

/** Of each column's half two, side by side. */
inline __m512h both_inputs(__m256i halves) {
  alignas(64) static constexpr uint16_t kTwice[32] = {0, 0, 1, 1, 2,  2,  3,  3,  4,  4,  5,  5,  6,  6,  7,  7,
                                                      8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15};
  return _mm512_castsi512_ph(_mm512_permutexvar_epi16(_mm512_load_si512(kTwice), _mm512_castsi256_si512(halves)));
}
inline __m512h both_inputs(__m512 values) { return both_inputs(_mm512_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)); }
inline __m256i stored_halves(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }

/** What turns codes into weights: a scale and perhaps a minimum, or with Q6_K the scales of the first and of the second half. */
struct HalfScales {
  __m512h scale, second;
};

/** `code_start` is what the codes that will be scaled count from, besides the type's own offset. */
template <TensorDtype D>
inline HalfScales load_half_scales(const QuantPanel& panel, size_t b, float code_start) {
  if constexpr (quant_layout(D).super_bytes == 0) {
    const uint8_t* stored = panel.scales + b * quant_layout(D).scale_bytes;
    const __m512h unit = _mm512_set1_ph(static_cast<_Float16>(kUnit)), scale = _mm512_mul_ph(both_inputs(stored_halves(stored)), unit);
    if constexpr (!has_minimum(D)) return {scale, _mm512_setzero_ph()};
    const __m512h from_start = _mm512_mul_ph(scale, _mm512_set1_ph(static_cast<_Float16>(code_start)));
    return {scale, _mm512_fmadd_ph(both_inputs(stored_halves(stored + 32)), unit, from_start)};
  }
  const __m512 unit = _mm512_set1_ps(kUnit);
  const Scales scales = load_scales<D>(panel, b);
  const __m512 scale = _mm512_mul_ps(scales.first, unit), second = _mm512_mul_ps(scales.second, unit);
  if constexpr (!has_minimum(D)) return {both_inputs(scale), both_inputs(second)};
  return {both_inputs(scale), both_inputs(_mm512_fmadd_ps(scale, _mm512_set1_ps(code_start), second))};
}

template <TensorDtype D>
inline void store_weights(uint16_t* row, __m512h codes, __m512h scale, __m512h minimum) {
  const __m512h w = has_minimum(D) ? _mm512_fmadd_ph(codes, scale, minimum) : _mm512_mul_ph(codes, scale);
  // The sign moves with the exponent and leaves copies of itself where bf16 has more of that.
  const __m512i shifted = _mm512_srai_epi16(_mm512_castph_si512(w), 3);
  _mm512_store_si512(row, _mm512_and_si512(shifted, _mm512_set1_epi16(static_cast<short>(0x8fff))));
}

/** Upper bytes of the halves -8 .. 7; their lower ones are zero. */
constexpr uint8_t kFourBitHalves[16] = {0xc8, 0xc7, 0xc6, 0xc5, 0xc4, 0xc2, 0xc0, 0xbc, 0x00, 0x3c, 0x40, 0x42, 0x44, 0x45, 0x46, 0x47};

/** Four bits a code: looked up, counted from 8. `between(v)` runs after each quarter. */
template <TensorDtype D, typename Between>
[[gnu::always_inline]] inline void unpack_four_bits(const QuantPanel& panel, size_t b, TileBlock& out, Between&& between) {
  const HalfScales scales = load_half_scales<D>(panel, b, 8);
  // Four times, as an index has other codes' bits above its own.
  const __m512i table = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(kFourBitHalves)));
  const uint8_t* codes = panel.codes + b * quant_layout(D).codes_bytes;
#pragma GCC unroll 4
  for (int v = 0; v < 4; v++) {
    const __m512i packed = _mm512_load_si512(codes + 64 * v);
    const auto put = [&](int row, __m512i in_upper_bytes) {
      const __m512i halves = _mm512_maskz_permutexvar_epi8(0xaaaaaaaaaaaaaaaa, in_upper_bytes, table);
      store_weights<D>(out.rows[row], _mm512_castsi512_ph(halves), scales.scale, scales.second);
    };
    // Not by shifts: the unit that does them has the sign's to do, and more besides while tiles are at work.
    const auto from_bit = [&](long long bit) {
      return _mm512_multishift_epi64_epi8(_mm512_set1_epi64(0x3030202010100000 + 0x0101010101010101 * bit), packed);
    };
    put(2 * v, from_bit(0));
    put(2 * v + 1, packed);
    put(2 * v + 8, from_bit(4));
    put(2 * v + 9, from_bit(12));
    between(v);
  }
}

/** Both rows of a group of four inputs, from codes as unsigned bytes. */
template <TensorDtype D>
inline void store_group(TileBlock& out, int group, __m512i codes, __m512h scale, __m512h minimum) {
  constexpr int kOffset = D == TensorDtype::q8_0 ? 128 : code_offset(D);
  // The half 1024 has the unit as its last bit. 0xea ORs the last operand with the AND of the others.
  const __m512i k1024 = _mm512_set1_epi16(0x6400);
  const __m512h start = _mm512_set1_ph(static_cast<_Float16>(1024 + kOffset));
  const __m512i even = _mm512_ternarylogic_epi32(codes, _mm512_set1_epi16(0xff), k1024, 0xea);
  const __m512i odd = _mm512_or_si512(_mm512_srli_epi16(codes, 8), k1024);
  store_weights<D>(out.rows[2 * group], _mm512_sub_ph(_mm512_castsi512_ph(even), start), scale, minimum);
  store_weights<D>(out.rows[2 * group + 1], _mm512_sub_ph(_mm512_castsi512_ph(odd), start), scale, minimum);
}

/** BF16 weights are there already, an input after the other. */
template <typename Between>
[[gnu::always_inline]] inline void arrange_bf16(const QuantPanel& panel, size_t b, TileBlock& out, Between&& between) {
  // Two inputs of all columns, one after the other, become neighbours.
  alignas(64) static constexpr uint16_t kInterleaved[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                            8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  const __m512i order = _mm512_load_si512(kInterleaved);
  const uint8_t* inputs = panel.codes + b * sizeof(TileBlock);
#pragma GCC unroll 8
  for (int g = 0; g < 8; g++) {
    const auto input = [&](int i) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(inputs + 32 * (4 * g + i))); };
    for (int j = 0; j < 2; j++) {
      const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(input(j)), input(j + 2), 1);
      _mm512_store_si512(out.rows[2 * g + j], _mm512_permutexvar_epi16(order, both));
    }
    if (g % 2 == 1) between(g / 2);
  }
}

template <TensorDtype D, typename Between>
[[gnu::always_inline]] inline void unpack(const QuantPanel& panel, size_t b, TileBlock& out, Between&& between) {
  if constexpr (D == TensorDtype::bf16) {
    arrange_bf16(panel, b, out, between);
  } else if constexpr (D == TensorDtype::q4_0 || D == TensorDtype::q4_1 || D == TensorDtype::q4_k) {
    unpack_four_bits<D>(panel, b, out, between);
  } else {
    const HalfScales scales = load_half_scales<D>(panel, b, 0);
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) {
      __m512i low, high;
      load_groups<D>(panel, b, v, low, high);
      store_group<D>(out, v, low, scales.scale, scales.second);
      store_group<D>(out, v + 4, high, D == TensorDtype::q6_k ? scales.second : scales.scale, scales.second);
      between(v);
    }
  }
}

/** Sums of two tiles of rows with two panels are in tiles 0 to 3, the rows in 4 and 5, weights in 6 and 7. */
inline TileConfig tiles_for(size_t first_rows, size_t second_rows) {
  TileConfig config;
  for (const int tile : {0, 1, 4}) config.set(tile, first_rows, 64);
  for (const int tile : {2, 3, 5}) config.set(tile, second_rows, 64);
  for (const int weights : {6, 7}) config.set(weights, kTileRows, 64);
  return config;
}

/** P panels of a call with all its rows. */
template <TensorDtype D, size_t P>
class TileProduct {
 public:
  TileProduct(const QuantPanel& first, const QuantBlock* x, size_t stride, size_t num_rows, float* out)
      : x_(x), stride_(stride), num_rows_(num_rows), out_(out) {
    panels_[0] = first;
    if constexpr (P == 2) panels_[1] = panel_after(first);
  }

  void run(size_t block_begin, size_t block_end) {
    const size_t num_whole = num_rows_ / kTileRows, rest = num_rows_ % kTileRows;
    tiles_for(num_whole > 0 ? kTileRows : rest, num_whole > 0 && rest > 0 ? rest : kTileRows).load();
    // Up to two tiles of rows take each block once; more come back to it, so they take a few blocks at a time.
    const bool once = num_rows_ <= 2 * kTileRows;
    const size_t num_blocks = block_end - block_begin, num_chunks = once ? 1 : (num_blocks + kMaxChunk - 1) / kMaxChunk;
    const size_t chunk = (num_blocks + num_chunks - 1) / num_chunks;
    last_slot_ = once ? kSlots - 1 : SIZE_MAX;
    for (begin_ = block_begin; begin_ < block_end; begin_ += chunk) {
      end_ = block_end - begin_ < chunk ? block_end : begin_ + chunk;
      adds_ = begin_ > block_begin;
      all_tiles();
    }
  }

 private:
  /** Blocks that are kept: of a chunk all, else a few in turn, a power of two. */
  static constexpr size_t kMaxChunk = 10, kSlots = 4, kAhead = 2;

  /** Tiles two by two, but where the last is a shorter one, only that and the one before it; the first unpack. */
  void all_tiles() {
    const size_t num_tiles = (num_rows_ + kTileRows - 1) / kTileRows;
    const bool same = num_rows_ % kTileRows == 0;
    for (size_t t = 0; t < num_tiles;) {
      const bool two = same ? t + 2 <= num_tiles : t + 2 == num_tiles;
      if (two) t == 0 ? tiles<2, true>(0) : tiles<2, false>(t * kTileRows);
      else t == 0 ? tiles<1, true>(0) : tiles<1, false>(t * kTileRows);
      t += two ? 2 : 1;
    }
  }

  TileBlock* block(size_t b) { return blocks_[(b - begin_) & last_slot_]; }

  template <size_t kPanel, typename Between>
  [[gnu::always_inline]] inline void unpack_ahead(size_t b, Between&& between) {
    unpack<D>(panels_[kPanel], b, block(b)[kPanel], between);
    prefetch_next<D, P>(panels_[kPanel], b);
  }

  /** T tiles of rows from `row` on, blocks [begin_, end_). Unpacking runs ahead, with the tiles' instructions spread over it: in one place
   *  they would fill the core's queues and keep it from doing both at once. */
  template <size_t T, bool kUnpacks>
  [[gnu::noinline]] void tiles(size_t row) {
    float *first = out_ + row * P * 16, *second = first + kTileRows * P * 16;
    start_sums<T>(first, second);
    const QuantBlock *x = x_ + row * stride_ + begin_, *x_second = x + kTileRows * stride_;
    if constexpr (kUnpacks) {
      for (size_t b = begin_; b < end_ && b < begin_ + kAhead; b++) {
        unpack_ahead<0>(b, [](int) {});
        if constexpr (P == 2) unpack_ahead<1>(b, [](int) {});
      }
    }
    load_first(block(begin_), x);
    for (size_t b = begin_; b < end_; b++, x++, x_second++) {
      // The last block loads itself again: what lies behind it may not be ours.
      const size_t ahead = b + 1 < end_ ? 1 : 0;
      const TileBlock *weights = block(b), *next = block(b + ahead);
      const auto step = [&](int i) __attribute__((always_inline)) {
        if (i == kFirstLoadStep) load_first(next, x + ahead);
        else tile_step<T>(i, weights, x_second);
      };
      if (kUnpacks && b + kAhead < end_) {
        unpack_ahead<0>(b + kAhead, step);
        if constexpr (P == 2) unpack_ahead<1>(b + kAhead, [&](int v) __attribute__((always_inline)) { step(v + 4); });
        if constexpr (P == 1) finish_steps(step);
      } else {
        for (int i = 0; i < 4; i++) step(i);
        finish_steps(step);
      }
    }
    store_sums<T>(first, second);
  }
  template <typename Step>
  [[gnu::always_inline]] static inline void finish_steps(Step&& step) {
#pragma GCC unroll 4
    for (int i = 4; i < 8; i++) step(i);
  }

  /** What a block's first product takes is loaded a block before. */
  static constexpr int kFirstLoadStep = 6;
  [[gnu::always_inline]] inline void load_first(const TileBlock* weights, const QuantBlock* x) const {
    TANDEM_TILE_LOAD("4", x, stride_ * sizeof(QuantBlock));
    TANDEM_TILE_LOAD("6", weights[0].rows, sizeof weights->rows[0]);
  }

  /** One of the other instructions that take a block. Loads are early: one that a product waits for holds up all that comes after. */
  template <size_t T>
  [[gnu::always_inline]] inline void tile_step(int i, const TileBlock* weights, const QuantBlock* x_second) const {
    if (i == 0 && T == 2) TANDEM_TILE_LOAD("5", x_second, stride_ * sizeof(QuantBlock));
    if (i == 1 && P == 2) TANDEM_TILE_LOAD("7", weights[P - 1].rows, sizeof weights->rows[0]);
    if (i == 2) TANDEM_TILE_MULTIPLY("0", "4", "6");
    if (i == 3 && T == 2) TANDEM_TILE_MULTIPLY("2", "5", "6");
    if (i == 4 && P == 2) TANDEM_TILE_MULTIPLY("1", "4", "7");
    if (i == 7 && T == 2 && P == 2) TANDEM_TILE_MULTIPLY("3", "5", "7");
  }

  template <size_t T>
  void start_sums(const float* first, const float* second) const {
    if (adds_) {
      TANDEM_TILE_LOAD("0", first, kOutBytes);
      if constexpr (P == 2) TANDEM_TILE_LOAD("1", first + 16, kOutBytes);
      if constexpr (T == 2) TANDEM_TILE_LOAD("2", second, kOutBytes);
      if constexpr (T == 2 && P == 2) TANDEM_TILE_LOAD("3", second + 16, kOutBytes);
    } else {
      TANDEM_TILE_ZERO("0");
      if constexpr (P == 2) TANDEM_TILE_ZERO("1");
      if constexpr (T == 2) TANDEM_TILE_ZERO("2");
      if constexpr (T == 2 && P == 2) TANDEM_TILE_ZERO("3");
    }
  }
  template <size_t T>
  void store_sums(float* first, float* second) const {
    TANDEM_TILE_STORE("0", first, kOutBytes);
    if constexpr (P == 2) TANDEM_TILE_STORE("1", first + 16, kOutBytes);
    if constexpr (T == 2) TANDEM_TILE_STORE("2", second, kOutBytes);
    if constexpr (T == 2 && P == 2) TANDEM_TILE_STORE("3", second + 16, kOutBytes);
  }

  static constexpr size_t kOutBytes = P * 16 * sizeof(float);
  const QuantBlock* x_;
  size_t stride_, num_rows_;
  float* out_;
  QuantPanel panels_[P];
  /** Blocks of the turn, and whether sums of earlier ones lie in the output. */
  size_t begin_ = 0, end_ = 0;
  size_t last_slot_ = 0;
  bool adds_ = false;
  TileBlock blocks_[kMaxChunk][P];
};

template <TensorDtype D>
void panel_product(const QuantPanel& first, size_t num_panels, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride,
                   size_t num_rows, float* out) {
  if (num_panels == 2) TileProduct<D, 2>(first, x, stride, num_rows, out).run(block_begin, block_end);
  else TileProduct<D, 1>(first, x, stride, num_rows, out).run(block_begin, block_end);
}

/** These weights come without the scale that the activations make up for. */
void bf16_panel_product(const QuantPanel& first, size_t num_panels, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride,
                        size_t num_rows, float* out) {
  panel_product<TensorDtype::bf16>(first, num_panels, block_begin, block_end, x, stride, num_rows, out);
  const __m512 factor = _mm512_set1_ps(1 / kBf16RowScale);
  for (size_t i = 0; i < num_rows * num_panels * 16; i += 16) _mm512_storeu_ps(out + i, _mm512_mul_ps(_mm512_loadu_ps(out + i), factor));
}

constexpr QuantPanels with_bf16(QuantPanels panels) {
  panels.of[static_cast<size_t>(TensorDtype::bf16)] = bf16_panel_product;
  return panels;
}

}  // namespace

const QuantPanels kAmxBf16QuantPanels =
    with_bf16(TANDEM_QUANT_PANELS(kMaxCallPanels, panel_product, kMaxCallPanels, kMaxPanelRows, kBf16WeightLimit));

}  // namespace tandem
#else

namespace tandem {
const QuantPanels kAmxBf16QuantPanels = {};
}
#endif
#endif
