// Owns the arithmetic of the attention side of a model: embedding, attention half of every layer, LM head. No
// scheduling, no topology, no socket. A row's result depends on that row and its sequence's cache only.
#pragma once

#include <memory>

#include "engine/kv_pool.h"
#include "engine/qkv_projection.h"
#include "engine/row_products.h"
#include "engine/ubatch.h"
#include "kernels/router.h"

namespace tandem {

struct KvOptions {
  size_t num_blocks = 0;
  size_t block_size = 16;
  KvDtype dtype = KvDtype::f16;
};

class AttentionLayers {
 public:
  // Throws EngineError for a tensor or shape it cannot run.
  AttentionLayers(const ModelConfig& config, const AttentionSideTensors& tensors, const KvOptions& kv, ThreadPool& pool,
                  LoadProgress progress);

  const ModelConfig& config() const { return config_; }
  const KvPool& kv() const { return *kv_; }
  // KV blocks below `num_blocks` are about to be used.
  void expect_blocks(size_t num_blocks) { kv_->expect_blocks(num_blocks); }
  uint64_t weight_bytes() const { return weight_bytes_; }

  // Plans the step of a ubatch whose tokens, positions, slots and sequences are set, and embeds it.
  void begin(Ubatch* ubatch);
  // Attention half of a layer: updates residual, fills hidden, topk_ids and topk_weights.
  void attend(size_t layer_idx, Ubatch* ubatch);
  // Final norm and LM head of chosen residual rows: [num_rows, vocab_size], rows logits_stride() floats apart, in memory valid until
  // the next call.
  float* logits(const std::vector<const float*>& residual_rows);
  size_t logits_stride() const { return float_stride(config_.vocab_size); }

 private:
  struct Layer {
    std::vector<float> attn_norm, ffn_norm;
    PackedMatrix o;
    PackedMatrix router;              // empty on dense layers
    std::vector<float> router_bias;   // empty without
  };
  void load_layer(WeightFiles& files, const AttentionLayerTensors& tensors, const FfnConfig& ffn);
  void run_attention(size_t layer_idx, Ubatch* ubatch);
  void route_rows(size_t layer_idx, Ubatch* ubatch);
  AttentionParams attention_params(const Ubatch& ubatch) const;

  const ModelConfig config_;
  ThreadPool& pool_;
  std::unique_ptr<QkvProjection> projection_;
  std::unique_ptr<KvPool> kv_;
  std::vector<Layer> layers_;
  PackedMatrix token_embd_;  // empty when tied
  PackedMatrix lm_head_;
  std::vector<float> output_norm_;
  uint64_t weight_bytes_ = 0;

  RowBuffer rows_;
  RowBuffer output_rows_;
  RowBuffer hidden_rows_;
  AlignedBuffer<float> attention_scratch_, router_logits_, logits_, gathered_;
  std::vector<AlignedBuffer<uint8_t>> workspaces_;  // one per thread
};

}  // namespace tandem
