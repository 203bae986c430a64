// Owns the AMX product of 8-bit activations with quantised panels: a tile instruction multiplies 16 rows by a block of 16 columns. Codes
// are unpacked once for all rows of a call, into signed bytes that are the tile's rows as they lie; the integer sums come back through
// memory and are scaled as on every other path. Multiplying and scaling take turns over a few blocks, because one of the two float units
// stands still for tens of cycles after any tile instruction. Few rows, and rows that do not fill a tile, go to the AVX-512 product: same bits.
#if defined(__x86_64__)
#include "kernels/quant_panels.h"

#if defined(__AMX_INT8__)
#include <cstring>

#include "kernels/avx512_block_impl.h"
#include "kernels/tile_config.h"

namespace tandem {
namespace {

constexpr size_t kTileRows = 16;
/** A tile is 32 inputs deep, as a block is; for Q6_K, with two scales a block, half of that. */
template <TensorDtype D>
constexpr size_t kTilesPerBlock = D == TensorDtype::q6_k ? 2 : 1;
constexpr size_t kMaxCallPanels = 2;

/** Two turns alternate: sums of two panels in tiles 0 and 1 or in 2 and 3, activations in 4 or 5. Codes of the two panels are in 6 and 7. */
constexpr TileConfig tiles_for(size_t tile_inputs) {
  TileConfig config;
  for (const int sums : {0, 1, 2, 3}) config.set(sums, kTileRows, 64);
  for (const int rows : {4, 5}) config.set(rows, kTileRows, tile_inputs);
  for (const int codes : {6, 7}) config.set(codes, tile_inputs / 4, 64);
  return config;
}

/** Blocks of a turn. What a turn works on fits the first-level cache with room for the activations. */
constexpr size_t kChunk = 3;

/** Blocks [begin, end) of the panels of a call. */
struct Chunk {
  size_t begin, end;
  UnpackedBlock blocks[kMaxCallPanels][kChunk];
};

template <TensorDtype D, size_t P>
inline void unpack_next(const QuantPanel* panels, size_t b, Chunk& chunk) {
  for (size_t p = 0; p < P; p++) {
    unpack_signed<D>(panels[p], b, chunk.blocks[p][b - chunk.begin]);
    prefetch_next<D, P>(panels[p], b);
  }
}

/** Integer sums of a tile: [row][column]. */
using Dots = int32_t[kTileRows][16];

// The instructions are written out: the compilers' own do not say what memory they touch.
#define TANDEM_MULTIPLY(rows, sums, codes)                                                                             \
  asm volatile("tilezero %%tmm" sums "\n\ttileloadd (%0,%1,1), %%tmm" codes "\n\ttdpbssd %%tmm" codes ", %%tmm" rows   \
               ", %%tmm" sums ::"r"(tile_codes), "r"(size_t{64})                                                       \
               : "memory")

template <int kTurn>
inline void load_rows(const int8_t* rows, size_t stride) {
  if constexpr (kTurn == 0) asm volatile("tileloadd (%0,%1,1), %%tmm4" ::"r"(rows), "r"(stride) : "memory");
  else asm volatile("tileloadd (%0,%1,1), %%tmm5" ::"r"(rows), "r"(stride) : "memory");
}
template <int kTurn>
inline void multiply_panel(size_t panel_idx, const int8_t* tile_codes) {
  if constexpr (kTurn == 0) {
    if (panel_idx == 0) TANDEM_MULTIPLY("4", "0", "6");
    else TANDEM_MULTIPLY("4", "1", "7");
  } else {
    if (panel_idx == 0) TANDEM_MULTIPLY("5", "2", "6");
    else TANDEM_MULTIPLY("5", "3", "7");
  }
}
template <int kTurn>
inline void store_sums(size_t panel_idx, Dots& dots) {
#define TANDEM_STORE(sums) asm volatile("tilestored %%tmm" sums ", (%0,%1,1)" ::"r"(dots), "r"(size_t{64}) : "memory")
  if constexpr (kTurn == 0) {
    if (panel_idx == 0) TANDEM_STORE("0");
    else TANDEM_STORE("1");
  } else {
    if (panel_idx == 0) TANDEM_STORE("2");
    else TANDEM_STORE("3");
  }
}

/**
 * Products of 16 rows with P panels, tile after tile of inputs. The sums of a tile are stored behind the next multiplication: a store that
 * waits for its sums keeps the stores after it, and with them the loads, from starting.
 */
template <TensorDtype D, size_t P>
class Multiplier {
 public:
  Multiplier(const int8_t* rows, size_t stride, const int8_t* const* codes, Dots (*dots)[kTilesPerBlock<D>][kMaxCallPanels])
      : rows_(rows), stride_(stride), dots_(&dots[0][0]) {
    for (size_t p = 0; p < P; p++) codes_[p] = codes[p];
  }

  void block() {
    if constexpr (kTilesPerBlock<D> == 2) {
      step<0>(0, 0);
      step<1>(16, 256);
    } else if (odd_) {
      step<1>(0, 0);
    } else {
      step<0>(0, 0);
    }
    odd_ = !odd_;
    rows_ += sizeof(QuantBlock);
    for (size_t p = 0; p < P; p++) codes_[p] += D == TensorDtype::q8_0 ? 512 : sizeof(UnpackedBlock);
  }

  void finish() {
    if (kTilesPerBlock<D> == 2 || !odd_) store<1>();
    else store<0>();
  }

 private:
  template <int kTurn>
  void step(size_t rows_offset, size_t codes_offset) {
    load_rows<kTurn>(rows_ + rows_offset, stride_);
    for (size_t p = 0; p < P; p++) multiply_panel<kTurn>(p, codes_[p] + codes_offset);
    if (started_) store<1 - kTurn>();
    started_ = true;
  }
  template <int kTurn>
  void store() {
    for (size_t p = 0; p < P; p++) store_sums<kTurn>(p, (*dots_)[p]);
    dots_++;
  }

  const int8_t* rows_;
  size_t stride_;
  const int8_t* codes_[P];
  Dots (*dots_)[kMaxCallPanels];
  bool odd_ = false, started_ = false;
};

/** Where a tile's sums of one panel are kept, rows `stride` floats apart. */
struct Sums {
  float* values;
  size_t stride;
};

/** sums (+)= what was multiplied, block after block. */
template <TensorDtype D>
[[gnu::noinline]] void scale(const QuantBlock* x, size_t stride, const Chunk& chunk, size_t panel_idx,
                             const Dots (*dots)[kTilesPerBlock<D>][kMaxCallPanels], Sums sums, bool adds) {
  constexpr int R = kTileRows;
  __m512 sum[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) sum[r] = adds ? _mm512_loadu_ps(sums.values + static_cast<size_t>(r) * sums.stride) : _mm512_setzero_ps();
  for (size_t b = chunk.begin; b < chunk.end; b++, dots++) {
    const UnpackedBlock& block = chunk.blocks[panel_idx][b - chunk.begin];
    const Scales scales = kept_scales(block);
    const __m512 weight_sum = _mm512_load_ps(block.weight_sum);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const QuantBlock& a = x[static_cast<size_t>(r) * stride + b];
      const auto dot = [&](size_t tile) { return _mm512_load_si512((*dots)[tile][panel_idx][r]); };
      sum[r] = add_block<D>(sum[r], dot(0), dot(kTilesPerBlock<D> - 1), scales, weight_sum, a);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) _mm512_storeu_ps(sums.values + static_cast<size_t>(r) * sums.stride, sum[r]);
}

/** P panels of a call and the rows that fill tiles. */
template <TensorDtype D, size_t P>
class TileProduct {
 public:
  TileProduct(const QuantPanel& first, const QuantBlock* x, size_t stride) : x_(x), stride_(stride) {
    panels_[0] = first;
    if constexpr (P == 2) panels_[1] = panel_after(first);
  }

  /** Rows that do not fill the last tile have it reach back over rows of the one before; its sums are kept aside until the end. */
  void run(size_t block_begin, size_t block_end, size_t num_rows, float* out) {
    const size_t num_whole = num_rows / kTileRows, rest = num_rows % kTileRows;
    alignas(64) float aside[kTileRows * P * 16];
    chunk_[0].begin = block_begin;
    chunk_[0].end = end_of_chunk(block_begin, block_end);
    for (size_t b = block_begin; b < chunk_[0].end; b++) unpack_next<D, P>(panels_, b, chunk_[0]);
    for (size_t i = 0; chunk_[i % 2].begin < block_end; i++) {
      Chunk &chunk = chunk_[i % 2], &next = chunk_[1 - i % 2];
      next.begin = chunk.end;
      next.end = end_of_chunk(next.begin, block_end);
      for (size_t t = 0; t < num_whole; t++) tile(t * kTileRows, chunk, t == 0 ? &next : nullptr, out + t * kTileRows * P * 16, i > 0);
      if (rest > 0) tile(num_rows - kTileRows, chunk, nullptr, aside, i > 0);
    }
    std::memcpy(out + num_whole * kTileRows * P * 16, aside + (kTileRows - rest) * P * 16, rest * P * 16 * sizeof(float));
  }

 private:
  static size_t end_of_chunk(size_t begin, size_t end) { return end - begin < kChunk ? end : begin + kChunk; }

  /** 16 rows of a chunk; the next one is unpacked meanwhile, as nothing that takes has to wait for tiles. */
  void tile(size_t first_row, const Chunk& chunk, Chunk* next, float* sums, bool adds) {
    const QuantBlock* x = x_ + first_row * stride_;
    const int8_t* codes[P];
    for (size_t p = 0; p < P; p++) {
      const uint8_t* first_block = D == TensorDtype::q8_0 ? panels_[p].codes + chunk.begin * 512 : chunk.blocks[p][0].codes[0];
      codes[p] = reinterpret_cast<const int8_t*>(first_block);
    }
    Multiplier<D, P> multiplier(x[chunk.begin].q, stride_ * sizeof(QuantBlock), codes, dots_);
    for (size_t b = chunk.begin; b < chunk.end; b++) {
      multiplier.block();
      if (next != nullptr && b + kChunk < next->end) unpack_next<D, P>(panels_, b + kChunk, *next);
    }
    multiplier.finish();
    for (size_t p = 0; p < P; p++) scale<D>(x, stride_, chunk, p, dots_, {sums + 16 * p, 16 * P}, adds);
  }

  const QuantBlock* x_;
  size_t stride_;
  QuantPanel panels_[P];
  Chunk chunk_[2];
  alignas(64) Dots dots_[kChunk][kTilesPerBlock<D>][kMaxCallPanels];
};

/** Fewer rows gain nothing from tiles on a core whose other thread is busy, and little on one that is not. */
constexpr size_t kMinRows = 32;
/** Rows behind the last whole tile that are worth one of their own, over rows that were multiplied before. */
constexpr size_t kMinRest = 10;

template <TensorDtype D>
void panel_product(const QuantPanel& first, size_t num_panels, size_t block_begin, size_t block_end, const QuantBlock* x, size_t stride,
                   size_t num_rows, float* out) {
  const size_t rest = num_rows % kTileRows, few = num_rows < kMinRows ? num_rows : rest < kMinRest ? rest : 0, rows = num_rows - few;
  if (rows > 0) {
    static constexpr TileConfig config = tiles_for(32 / kTilesPerBlock<D>);
    config.load();
    if (num_panels == 2) TileProduct<D, 2>(first, x, stride).run(block_begin, block_end, rows, out);
    else TileProduct<D, 1>(first, x, stride).run(block_begin, block_end, rows, out);
  }
  if (few > 0) {
    const auto product = kAvx512QuantPanels.of[static_cast<size_t>(D)];
    product(first, num_panels, block_begin, block_end, x + rows * stride, stride, few, out + rows * 16 * num_panels);
  }
}

}  // namespace

const QuantPanels kAmxQuantPanels = TANDEM_QUANT_PANELS(kMaxCallPanels, panel_product);

}  // namespace tandem
#else

namespace tandem {
const QuantPanels kAmxQuantPanels = {};
}
#endif
#endif
