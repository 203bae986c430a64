// Owns the native mirror of packages/model/src/model-config.ts and weights.ts: plain data, already validated above
// the boundary. References only; nothing here opens a file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/dtypes.h"

namespace tandem {

enum class AttentionKind { gqa, mfa, mla };

// The union of GqaConfig, MfaConfig and MlaConfig; fields of other kinds are 0.
struct AttentionConfig {
  AttentionKind kind = AttentionKind::gqa;
  size_t num_heads = 0;
  float scale = 1;
  // gqa, mfa
  size_t num_kv_heads = 0;
  size_t head_dim = 0;
  // mfa
  size_t share_q_dim = 0;
  // mla; q_lora_rank 0: queries are projected directly
  size_t q_lora_rank = 0, kv_lora_rank = 0, qk_nope_head_dim = 0, qk_rope_head_dim = 0, v_head_dim = 0;
  float lora_norm_eps = 0;
};

struct RopeConfig {
  size_t dim = 0;
  bool interleaved = false;
  std::vector<float> inv_freq;
  float attention_factor = 1;
};

struct RouterConfig {
  bool sigmoid = false;
  size_t top_k = 0;
  size_t num_groups = 1, top_k_groups = 1;
  bool group_top2_sum = false;
  bool norm_topk = false;
  float scaling_factor = 1;
};

struct FfnConfig {
  bool moe = false;
  size_t intermediate_size = 0;
  // moe
  size_t num_experts = 0;
  size_t shared_intermediate_size = 0;
  RouterConfig router;

  size_t top_k() const { return moe ? router.top_k : 0; }
};

struct ModelConfig {
  size_t vocab_size = 0, hidden_size = 0, num_layers = 0;
  float rms_norm_eps = 0;
  AttentionConfig attention;
  RopeConfig rope;
  std::vector<FfnConfig> ffn;  // [num_layers]
};

struct TensorRef {
  std::string name;
  TensorDtype dtype = TensorDtype::f32;
  std::vector<size_t> shape;
  std::string path;
  uint64_t offset = 0, num_bytes = 0;
  // f8_e4m3 only
  std::shared_ptr<TensorRef> block_scale;
  size_t block_rows = 0, block_columns = 0;
};

using OptionalTensor = std::optional<TensorRef>;

// The union of GqaWeights, MfaWeights and MlaWeights.
struct AttentionTensors {
  OptionalTensor q, k, v, o;
  OptionalTensor q_bias, k_bias, v_bias, q_norm, k_norm;
  OptionalTensor q_a, q_a_norm, q_b;
  OptionalTensor kv_a, kv_a_norm, kv_b, k_b, v_b;
};

struct AttentionLayerTensors {
  TensorRef attn_norm, ffn_norm;
  AttentionTensors attention;
  OptionalTensor router, router_bias;
};

struct AttentionSideTensors {
  TensorRef token_embd, output_norm, lm_head;
  std::vector<AttentionLayerTensors> layers;
};

struct GatedMlpTensors {
  TensorRef gate, up, down;
};

struct FfnLayerTensors {
  std::optional<GatedMlpTensors> dense;
  std::vector<GatedMlpTensors> experts;
  std::optional<GatedMlpTensors> shared;
};

struct FfnSideTensors {
  std::vector<FfnLayerTensors> layers;
};

}  // namespace tandem
