// Owns gqa attention in AMX tiles over a bf16 cache: queries and probabilities become bf16, keys and values are read where they lie, sums
// stay float32. Other bits than the vector code's, so a path takes one or the other for good. A query vector is a row of the tiles: what
// the other rows hold does not touch it.
#if defined(__x86_64__)
#include "kernels/attention_tiles.h"

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
// First the vector, then what is written over it.
#include "kernels/simd_avx512.h"
#include "kernels/attention_impl.h"
#include "kernels/tile_config.h"
#include "kernels/tile_instructions.h"

namespace tandem {
namespace {

/** Inputs of a tile product: elements of a key, or tokens of a group; and what they take of keys or values, in bytes. */
constexpr size_t kInputs = 16, kInputBytes = 512, kTileBytes = 64;
static_assert(kItemQueries <= 16, "a query vector is a row");

/** Registers 0 to 3 sum, 4 takes queries or probabilities, 5 to 7 keys or values. */
constexpr TileConfig tiles_for(size_t num_queries) {
  TileConfig config;
  for (int sum = 0; sum < 4; sum++) config.set(sum, num_queries, kTileBytes);
  config.set(4, num_queries, kInputs * 2);
  for (int tile = 5; tile < 8; tile++) config.set(tile, kInputs / 2, kTileBytes);
  return config;
}

/** An item's numbers on their way into tiles. */
struct TileRows {
  uint16_t* queries;                                      // [16][key_dim]
  alignas(64) uint16_t weights[kItemQueries * kKvChunk];  // probabilities
};

inline void store_bf16(uint16_t* to, const float* from) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(from)));
}

/** Asks for what is read later while tiles work: a burst would fill the queue of misses, and the tiles' own loads would stand behind it. */
inline void ask(const uint8_t* from) {
  for (size_t i = 0; i < kInputBytes; i += 64) __builtin_prefetch(from + i, 0, 3);
}

/** One product of a run of C: sum `c` += register 4 times what lies at `from`, meanwhile asking for `later`. */
#define TANDEM_ADD_PRODUCT(c, tile, from, stride, later) \
  if constexpr (C > c) {                                 \
    TANDEM_TILE_LOAD(tile, from, stride);                \
    ask(later);                                          \
    TANDEM_TILE_MULTIPLY(#c, "4", tile);                 \
  }
/** With registers 0 to C - 1: op(register, their number). */
#define TANDEM_EACH_SUM(op)        \
  op("0", 0);                      \
  if constexpr (C > 1) op("1", 1); \
  if constexpr (C > 2) op("2", 2); \
  if constexpr (C > 3) op("3", 3)

/** scores[q][16 * c ..) of C groups of 16 positions. */
template <int C>
inline void score_tiles(const KvLayout& layout, const TileRows& rows, const uint8_t* const* keys, const uint8_t* const* values, float* scores) {
  const size_t query_stride = layout.key_dim * sizeof(uint16_t), score_stride = kKvChunk * sizeof(float), key_stride = kTileBytes;
#define TANDEM_CLEAR(tile, c) TANDEM_TILE_ZERO(tile)
  TANDEM_EACH_SUM(TANDEM_CLEAR);
  for (size_t d = 0; d < layout.key_dim; d += kInputs) {
    const size_t at = d / kInputs * kInputBytes;
    TANDEM_TILE_LOAD("4", rows.queries + d, query_stride);
    TANDEM_ADD_PRODUCT(0, "5", keys[0] + at, key_stride, values[0] + at)
    TANDEM_ADD_PRODUCT(1, "6", keys[1] + at, key_stride, values[1] + at)
    TANDEM_ADD_PRODUCT(2, "7", keys[2] + at, key_stride, values[2] + at)
    TANDEM_ADD_PRODUCT(3, "5", keys[3] + at, key_stride, values[3] + at)
  }
#define TANDEM_STORE_SCORES(tile, c) TANDEM_TILE_STORE(tile, scores + 16 * c, score_stride)
  TANDEM_EACH_SUM(TANDEM_STORE_SCORES);
}

/** sums[q][0 .. 16 * C) += probabilities times values, from value element `d` on. */
template <int C>
inline void value_tiles(const KvLayout& layout, const TileRows& rows, const uint8_t* const* groups, const uint8_t* const* next_keys,
                        size_t num_groups, size_t d, float* sums) {
  const size_t sum_stride = layout.value_dim * sizeof(float), weight_stride = kKvChunk * sizeof(uint16_t), value_stride = layout.value_dim * 4;
#define TANDEM_LOAD_SUMS(tile, c) TANDEM_TILE_LOAD(tile, sums + 16 * c, sum_stride)
  TANDEM_EACH_SUM(TANDEM_LOAD_SUMS);
  for (size_t g = 0; g < num_groups; g++) {
    const uint8_t* values = groups[g] + d * 4;
    const uint8_t* later = next_keys[g] + d / kInputs * kInputBytes;
    TANDEM_TILE_LOAD("4", rows.weights + g * kInputs, weight_stride);
    TANDEM_ADD_PRODUCT(0, "5", values, value_stride, later)
    TANDEM_ADD_PRODUCT(1, "6", values + kTileBytes, value_stride, later + kInputBytes)
    TANDEM_ADD_PRODUCT(2, "7", values + 2 * kTileBytes, value_stride, later + 2 * kInputBytes)
    TANDEM_ADD_PRODUCT(3, "5", values + 3 * kTileBytes, value_stride, later + 3 * kInputBytes)
  }
#define TANDEM_STORE_SUMS(tile, c) TANDEM_TILE_STORE(tile, sums + 16 * c, sum_stride)
  TANDEM_EACH_SUM(TANDEM_STORE_SUMS);
}

/** Calls tiles.operator()<C>(first) for runs of C <= 4 of `count` tiles. */
template <typename Tiles>
inline void for_runs(size_t count, const Tiles& tiles) {
  size_t first = 0;
  for (; first + 4 <= count; first += 4) tiles.template operator()<4>(first);
  if (first + 2 <= count) { tiles.template operator()<2>(first); first += 2; }
  if (first < count) tiles.template operator()<1>(first);
}

/** The values of a group's first `count` tokens, zeros behind: what was never written may be no number, even times 0. */
inline void copy_some_values(const uint8_t* group, size_t count, size_t dim, uint8_t* to) {
  for (size_t pair = 0; pair < kInputs / 2; pair++) {
    const uint32_t keep = 2 * pair + 1 < count ? ~0u : 2 * pair < count ? 0xffffu : 0;
    const __m512i mask = _mm512_set1_epi32(static_cast<int32_t>(keep));
    for (size_t i = pair * dim * 4; i < (pair + 1) * dim * 4; i += 64) {
      _mm512_storeu_si512(to + i, _mm512_and_si512(_mm512_loadu_si512(group + i), mask));
    }
  }
}

/**
 * e^x for x <= 0, relative error below 1e-4, enough for what becomes bf16; 0 below -87.3. 2^n times a polynomial in the rest, |rest| <= 0.5:
 * the series of 2^x, its last coefficient a little larger for the terms left out.
 */
inline F rough_exp(F x) {
  const __m512 y = _mm512_mul_ps(x.v, _mm512_set1_ps(1.44269504f));
  const __m512 n = _mm512_roundscale_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 rest = _mm512_sub_ps(y, n);
  __m512 p = _mm512_set1_ps(9.8e-3f);
  for (const float coefficient : {5.55041e-2f, 0.24022651f, 0.69314718f, 1.0f}) p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(coefficient));
  return {_mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x.v, _mm512_set1_ps(-87.3f), _CMP_GE_OQ), p, n)};
}

void run_tile_chunk(const AttentionParams& params, const AttentionItem& item, const ItemShape& shape, int64_t begin, size_t count,
                    AttentionWork& work, TileRows& rows) {
  const KvLayout& layout = params.layout;
  const size_t num_groups = (count + 15) / 16, value_dim = layout.value_dim;
  const uint8_t* keys[kKvChunk / 16];
  const uint8_t** values = work.value_rows;
  find_keys(params, item, begin, count, keys);
  find_value_groups(params, item, begin, count, values);
  // As in gqa_scores: values are asked for while keys are multiplied, and the keys that come next meanwhile.
  for_runs(num_groups, [&]<int C>(size_t first) {
    score_tiles<C>(layout, rows, keys + first, values + first, work.scores + first * 16);
  });
  hide_later(shape, begin, num_groups, work);
  for (size_t q = 0; q < shape.num_queries; q++) {
    float* probabilities = work.scores + q * kKvChunk;
    const float factor = gqa_softmax(probabilities, num_groups, work.maximum[q], work.total[q], rough_exp);
    scale_sums(work.sums + q * value_dim, value_dim, factor);
    for (size_t g = 0; g < num_groups; g++) store_bf16(rows.weights + q * kKvChunk + g * 16, probabilities + g * 16);
  }
  alignas(64) uint8_t last_group[kMaxTileDim * 32];
  if (count % kInputs != 0) {
    copy_some_values(values[num_groups - 1], count % kInputs, value_dim, last_group);
    values[num_groups - 1] = last_group;
  }
  for_runs(value_dim / 16, [&]<int C>(size_t first) {
    value_tiles<C>(layout, rows, values, work.next_keys, num_groups, first * 16, work.sums + first * 16);
  });
}

void attention_run_in_tiles(const AttentionParams& params, const AttentionItem& item, const AttentionItem* next, float* scratch,
                            void* workspace) {
  if (!attends_in_tiles(params.layout)) return kAvx512Kernels.attention_run(params, item, next, scratch, workspace);
  TileRows rows;
  const auto prepare = [&](const ItemShape& shape, const AttentionWork& work) {
    tiles_for(shape.num_queries).load();
    rows.queries = reinterpret_cast<uint16_t*>(work.keys);
    for (size_t i = 0; i < shape.num_queries * params.layout.key_dim; i += 16) store_bf16(rows.queries + i, work.queries + i);
  };
  run_item(params, item, next, scratch, workspace, prepare, [&](const ItemShape& shape, int64_t begin, size_t count, AttentionWork& work) {
    run_tile_chunk(params, item, shape, begin, count, work, rows);
  });
}

}  // namespace

const AttentionRunFn kAmxBf16AttentionRun = attention_run_in_tiles;

}  // namespace tandem
#else

namespace tandem {
const AttentionRunFn kAmxBf16AttentionRun = nullptr;
}
#endif
#endif
