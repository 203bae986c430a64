// Owns the part of attention that differs between architectures: from normalised rows to queries and cached
// keys and values, and from attention output to the input of the output projection. One implementation per kind.
#pragma once

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
  virtual bool reads_quantized(size_t layer_idx) const = 0;
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

inline RopeParams rope_params(const RopeConfig& rope) {
  return RopeParams{rope.dim, rope.interleaved, rope.inv_freq.data(), rope.attention_factor};
}

}  // namespace tandem
