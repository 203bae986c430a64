// Owns the part of attention that differs between architectures: from normalised rows to queries and cached
// keys and values, and from attention output to the input of the output projection. One implementation per kind.
#pragma once

#include <algorithm>
#include <memory>

#include "engine/kv_pool.h"
#include "engine/row_products.h"
#include "engine/ubatch.h"
#include "kernels/rope.h"
#include "model/model_config.h"

namespace tandem {

class QkvProjection {
 public:
  virtual ~QkvProjection() = default;
  // Shape of the cache. Fills everything but dtype and block_size.
  virtual void describe_cache(KvLayout* layout) const = 0;
  virtual void load_layer(WeightFiles& files, const AttentionTensors& tensors) = 0;

  // Which formats `project` reads.
  virtual bool reads_blocks(size_t layer_idx) const = 0;
  virtual bool reads_floats(size_t layer_idx) const = 0;
  // Fills queries() [num_rows, num_heads * key_dim] and writes the rows' keys and values into the pool.
  virtual void project(ThreadPool& pool, size_t layer_idx, const Ubatch& ubatch, RowBuffer& rows, KvPool& kv) = 0;
  virtual const float* queries() const = 0;
  // Where attention writes: [num_rows, num_heads * value_dim].
  virtual float* attention_output() = 0;
  // What the output projection reads: [num_rows, num_heads * head value].
  virtual const float* finish(ThreadPool& pool, size_t layer_idx, size_t num_rows) = 0;
};

std::unique_ptr<QkvProjection> make_gqa_projection(const ModelConfig& config);
std::unique_ptr<QkvProjection> make_mfa_projection(const ModelConfig& config);
std::unique_ptr<QkvProjection> make_mla_projection(const ModelConfig& config);

// The attention kernels want head dimensions that are multiples of 16; others are padded with zeros, which add nothing to
// scores and come out as zeros.
constexpr size_t padded_head_dim(size_t dim) { return (dim + 15) / 16 * 16; }
// [num_heads, dim] -> [num_heads, padded]
inline void pad_heads(const float* heads, size_t num_heads, size_t dim, float* padded) {
  const size_t width = padded_head_dim(dim);
  for (size_t head = 0; head < num_heads; head++) {
    std::copy_n(heads + head * dim, dim, padded + head * width);
    std::fill_n(padded + head * width + dim, width - dim, 0.0f);
  }
}
// The reverse, in place.
inline void unpad_heads(float* heads, size_t num_heads, size_t dim) {
  const size_t width = padded_head_dim(dim);
  if (width == dim) return;
  for (size_t head = 0; head < num_heads; head++) std::copy_n(heads + head * width, dim, heads + head * dim);
}

inline RopeParams rope_params(const RopeConfig& rope) {
  return RopeParams{rope.dim, rope.interleaved, rope.inv_freq.data(), rope.attention_factor};
}

}  // namespace tandem
