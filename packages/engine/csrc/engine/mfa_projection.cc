// Multi-matrix factorisation attention (Step-3): a normed low-rank query, one shared KV head, RoPE on all dimensions.
#include "engine/qkv_projection.h"

namespace tandem {

namespace {

struct MfaLayer {
  FusedMatrix qkv;  // q_a, k, v
  PackedMatrix q_b;
  std::vector<float> q_a_norm;
};

class MfaProjection final : public QkvProjection {
 public:
  explicit MfaProjection(const ModelConfig& config)
      : config_(config),
        rank_(config.attention.share_q_dim),
        dim_(config.attention.head_dim),
        query_width_(config.attention.num_heads * config.attention.head_dim) {}

  void describe_cache(KvLayout* layout) const override {
    layout->mla = false;
    layout->num_kv_heads = 1;
    layout->key_dim = layout->value_dim = dim_;
  }

  void load_layer(WeightFiles& files, const AttentionTensors& tensors) override {
    MfaLayer layer;
    layer.qkv = files.fused({&*tensors.q_a, &*tensors.k, &*tensors.v});
    layer.q_b = files.matrix(*tensors.q_b);
    layer.q_a_norm = files.vector(*tensors.q_a_norm, rank_);
    layers_.push_back(std::move(layer));
  }

  bool reads_quantized(size_t layer_idx) const override { return layers_[layer_idx].qkv.any_quantized(); }
  bool reads_floats(size_t layer_idx) const override { return layers_[layer_idx].qkv.any_float(); }

  void project(ThreadPool& pool, size_t layer_idx, const Ubatch& ubatch, RowBuffer& rows, KvPool& kv) override {
    const MfaLayer& layer = layers_[layer_idx];
    const size_t width = rank_ + 2 * dim_;
    const size_t num_rows = ubatch.num_rows;
    float* qkv = qkv_.reserve(num_rows * width);
    float* queries = queries_.reserve(num_rows * query_width_);
    output_.reserve(num_rows * query_width_);
    multiply(pool, layer.qkv, rows, num_rows, MatmulOutput{qkv, width});
    low_rank_.prepare(num_rows, rank_, layer.q_b.quantized(), !layer.q_b.quantized());
    for_rows(pool, num_rows, [&](size_t begin, size_t end) {
      low_rank_.fill_normed(qkv, width, layer.q_a_norm.data(), config_.rms_norm_eps, begin, end);
    });
    multiply(pool, layer.q_b, low_rank_, num_rows, MatmulOutput{queries, query_width_});
    const RopeParams rope = rope_params(config_.rope);
    for_rows(pool, num_rows, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; row++) {
        const float* cos = ubatch.rope_cos.data() + row * (rope.dim / 2);
        const float* sin = ubatch.rope_sin.data() + row * (rope.dim / 2);
        float* key = qkv + row * width + rank_;
        rope_rotate(rope, cos, sin, queries + row * query_width_, config_.attention.num_heads, dim_);
        rope_rotate(rope, cos, sin, key, 1, dim_);
        kv_write(kv.layout(), kv.layer(layer_idx), ubatch.slots[row], key, key + dim_);
      }
    });
  }

  const float* queries() const override { return queries_.data(); }
  float* attention_output() override { return output_.data(); }
  const float* finish(ThreadPool&, size_t, size_t) override { return output_.data(); }

 private:
  const ModelConfig config_;
  const size_t rank_, dim_, query_width_;
  std::vector<MfaLayer> layers_;
  RowBuffer low_rank_;
  AlignedBuffer<float> qkv_, queries_, output_;
};

}  // namespace

std::unique_ptr<QkvProjection> make_mfa_projection(const ModelConfig& config) {
  return std::make_unique<MfaProjection>(config);
}

}  // namespace tandem
