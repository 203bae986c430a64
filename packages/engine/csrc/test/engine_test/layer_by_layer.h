// Owns one prompt through the model's layers by a single caller, as the gRPC path runs them: no engine, no frame.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/attention_layers.h"
#include "engine/ffn_shard.h"
#include "test/engine_test/tiny_model.h"

namespace tandem::engine_test {

class LayerByLayer {
 public:
  explicit LayerByLayer(const TinyModel& model)
      : pool_({2, Pinning::never, 0}), layers_(model.config, model.attention, {64, 16, KvDtype::f32}, pool_, nullptr) {}

  // The likeliest token after `prompt`. `shard` holds every leaf, maybe for an engine that computes with it at the same time.
  int32_t next_token(const std::vector<int32_t>& prompt, const FfnShard& shard) {
    const ModelConfig& config = layers_.config();
    const int32_t block_table[] = {3, 1};
    Ubatch ubatch;
    append_sequence(&ubatch, prompt.data(), prompt.size(), 0, block_table, 16);
    layers_.begin(&ubatch);
    std::vector<float> output(prompt.size() * config.hidden_size);
    for (size_t layer_idx = 0; layer_idx < config.num_layers; layer_idx++) {
      layers_.attend(layer_idx, &ubatch);
      const FfnRows rows{prompt.size(), ubatch.hidden.data(), ubatch.topk_ids.data(), ubatch.topk_weights.data(), {output.data()}};
      shard.run(layer_idx, {rows}, pool_, &scratch_);
      for (size_t i = 0; i < output.size(); i++) ubatch.residual[i] += output[i];
    }
    const float* logits = layers_.logits({ubatch.residual.data() + (prompt.size() - 1) * config.hidden_size});
    return static_cast<int32_t>(std::max_element(logits, logits + config.vocab_size) - logits);
  }

 private:
  ThreadPool pool_;
  AttentionLayers layers_;
  FfnScratch scratch_;
};

}  // namespace tandem::engine_test
