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
        padded_dim_(padded_head_dim(config.attention.head_dim)),
        query_width_(config.attention.num_heads * config.attention.head_dim) {}

  void describe_cache(KvLayout* layout) const override {
    layout->mla = false;
    layout->num_kv_heads = 1;
    layout->key_dim = layout->value_dim = padded_dim_;
  }

  void load_layer(WeightFiles& files, const AttentionTensors& tensors) override {
    MfaLayer layer;
    layer.qkv = files.fused({&*tensors.q_a, &*tensors.k, &*tensors.v});
    layer.q_b = files.matrix(*tensors.q_b);
    layer.q_a_norm = files.vector(*tensors.q_a_norm, rank_);
    layers_.push_back(std::move(layer));
  }

  bool reads_blocks(size_t layer_idx) const override { return layers_[layer_idx].qkv.any_reads_blocks(); }
  bool reads_floats(size_t layer_idx) const override { return layers_[layer_idx].qkv.any_reads_floats(); }

  void project(ThreadPool& pool, size_t layer_idx, const Ubatch& ubatch, RowBuffer& rows, KvPool& kv) override {
    const MfaLayer& layer = layers_[layer_idx];
    const size_t width = rank_ + 2 * dim_;
    const size_t num_rows = ubatch.num_rows;
    float* qkv = qkv_.reserve(num_rows * width);
    const size_t padded_width = config_.attention.num_heads * padded_dim_;
    float* queries = projected_.reserve(num_rows * query_width_);
    queries_.reserve(num_rows * padded_width);
    output_.reserve(num_rows * padded_width);
    multiply(pool, layer.qkv, rows, num_rows, MatmulOutput{qkv, width});
    low_rank_.prepare(num_rows, rank_, layer.q_b.reads_blocks(), !layer.q_b.reads_blocks());
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
        pad_heads(queries + row * query_width_, config_.attention.num_heads, dim_, queries_.data() + row * padded_width);
        write_key(kv, layer_idx, ubatch.slots[row], key);
      }
    });
  }

  const float* queries() const override { return queries_.data(); }
  float* attention_output() override { return output_.data(); }
  const float* finish(ThreadPool&, size_t, size_t num_rows) override {
    unpad_heads(output_.data(), num_rows * config_.attention.num_heads, dim_);
    return output_.data();
  }

 private:
  // `key` is followed by its value.
  void write_key(KvPool& kv, size_t layer_idx, size_t slot, const float* key) {
    if (padded_dim_ == dim_) return kv_write(kv.layout(), kv.layer(layer_idx), slot, key, key + dim_);
    std::vector<float> padded(2 * padded_dim_);
    pad_heads(key, 1, dim_, padded.data());
    pad_heads(key + dim_, 1, dim_, padded.data() + padded_dim_);
    kv_write(kv.layout(), kv.layer(layer_idx), slot, padded.data(), padded.data() + padded_dim_);
  }

  const ModelConfig config_;
  const size_t rank_, dim_, padded_dim_, query_width_;
  std::vector<MfaLayer> layers_;
  RowBuffer low_rank_;
  AlignedBuffer<float> qkv_, projected_, queries_, output_;
};

}  // namespace

std::unique_ptr<QkvProjection> make_mfa_projection(const ModelConfig& config) {
  return std::make_unique<MfaProjection>(config);
}

}  // namespace tandem
