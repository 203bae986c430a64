// Grouped-query attention (Llama, Qwen3): fused q, k, v; optional biases and per-head norms; RoPE on q and k.
#include "engine/qkv_projection.h"

namespace tandem {

namespace {

struct GqaLayer {
  FusedMatrix qkv;
  std::vector<float> bias;            // [num_outputs] or empty
  std::vector<float> q_norm, k_norm;  // [head_dim] or empty
};

class GqaProjection final : public QkvProjection {
 public:
  explicit GqaProjection(const ModelConfig& config)
      : config_(config),
        padded_dim_(padded_head_dim(config.attention.head_dim)),
        query_width_(config.attention.num_heads * config.attention.head_dim),
        kv_width_(config.attention.num_kv_heads * config.attention.head_dim) {}

  void describe_cache(KvLayout* layout) const override {
    layout->mla = false;
    layout->num_kv_heads = config_.attention.num_kv_heads;
    layout->key_dim = layout->value_dim = padded_dim_;
  }

  void load_layer(WeightFiles& files, const AttentionTensors& tensors) override {
    GqaLayer layer;
    layer.qkv = files.fused({&*tensors.q, &*tensors.k, &*tensors.v});
    if (tensors.q_bias.has_value()) {
      append(&layer.bias, files.vector(*tensors.q_bias, query_width_));
      append(&layer.bias, files.vector(*tensors.k_bias, kv_width_));
      append(&layer.bias, files.vector(*tensors.v_bias, kv_width_));
    }
    if (tensors.q_norm.has_value()) {
      layer.q_norm = files.vector(*tensors.q_norm, config_.attention.head_dim);
      layer.k_norm = files.vector(*tensors.k_norm, config_.attention.head_dim);
    }
    layers_.push_back(std::move(layer));
  }

  bool reads_blocks(size_t layer_idx) const override { return layers_[layer_idx].qkv.any_reads_blocks(); }
  bool reads_floats(size_t layer_idx) const override { return layers_[layer_idx].qkv.any_reads_floats(); }

  void project(ThreadPool& pool, size_t layer_idx, const Ubatch& ubatch, RowBuffer& rows, KvPool& kv) override {
    const GqaLayer& layer = layers_[layer_idx];
    const size_t width = query_width_ + 2 * kv_width_;
    float* qkv = qkv_.reserve(ubatch.num_rows * width);
    queries_.reserve(ubatch.num_rows * config_.attention.num_heads * padded_dim_);
    output_.reserve(ubatch.num_rows * config_.attention.num_heads * padded_dim_);
    multiply(pool, layer.qkv, rows, ubatch.num_rows,
             MatmulOutput{qkv, width, false, layer.bias.empty() ? nullptr : layer.bias.data()});
    for_rows(pool, ubatch.num_rows, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; row++) finish_row(layer, ubatch, row, qkv + row * width, kv, layer_idx);
    });
  }

  const float* queries() const override { return queries_.data(); }
  float* attention_output() override { return output_.data(); }
  const float* finish(ThreadPool&, size_t, size_t num_rows) override {
    unpad_heads(output_.data(), num_rows * config_.attention.num_heads, config_.attention.head_dim);
    return output_.data();
  }

 private:
  static void append(std::vector<float>* all, const std::vector<float>& more) {
    all->insert(all->end(), more.begin(), more.end());
  }

  void finish_row(const GqaLayer& layer, const Ubatch& ubatch, size_t row, float* q, KvPool& kv, size_t layer_idx) {
    const AttentionConfig& attention = config_.attention;
    const size_t dim = attention.head_dim;
    float* k = q + query_width_;
    if (!layer.q_norm.empty()) {
      rms_norm(q, dim, layer.q_norm.data(), config_.rms_norm_eps, attention.num_heads, dim, q, dim);
      rms_norm(k, dim, layer.k_norm.data(), config_.rms_norm_eps, attention.num_kv_heads, dim, k, dim);
    }
    const RopeParams rope = rope_params(config_.rope);
    const float* cos = ubatch.rope_cos.data() + row * (rope.dim / 2);
    const float* sin = ubatch.rope_sin.data() + row * (rope.dim / 2);
    rope_rotate(rope, cos, sin, q, attention.num_heads, dim);
    rope_rotate(rope, cos, sin, k, attention.num_kv_heads, dim);
    pad_heads(q, attention.num_heads, dim, queries_.data() + row * attention.num_heads * padded_dim_);
    if (padded_dim_ == dim) {
      kv_write(kv.layout(), kv.layer(layer_idx), ubatch.slots[row], k, k + kv_width_);
      return;
    }
    std::vector<float> padded(2 * attention.num_kv_heads * padded_dim_);
    float* padded_value = padded.data() + attention.num_kv_heads * padded_dim_;
    pad_heads(k, attention.num_kv_heads, dim, padded.data());
    pad_heads(k + kv_width_, attention.num_kv_heads, dim, padded_value);
    kv_write(kv.layout(), kv.layer(layer_idx), ubatch.slots[row], padded.data(), padded_value);
  }

  const ModelConfig config_;
  const size_t padded_dim_, query_width_, kv_width_;
  std::vector<GqaLayer> layers_;
  AlignedBuffer<float> qkv_, queries_, output_;
};

}  // namespace

std::unique_ptr<QkvProjection> make_gqa_projection(const ModelConfig& config) {
  return std::make_unique<GqaProjection>(config);
}

}  // namespace tandem
