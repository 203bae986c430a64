// Multi-head latent attention (DeepSeek-V2/V3), absorbed: queries are mapped into the latent space (q' = q_nope * W_kb), all
// heads attend to the one cached row [c | k_rope], and W_vb maps the attended latent back per head.
#include "engine/qkv_projection.h"
#include "model/engine_error.h"

namespace tandem {

namespace {

struct MlaLayer {
  FusedMatrix down;           // q_a (or q), kv_a: what reads the hidden states
  PackedMatrix q_b;           // empty when q is direct
  std::vector<float> q_a_norm, kv_a_norm;
  std::vector<PackedMatrix> k_b;  // per head [kv_lora_rank, nope]
  std::vector<PackedMatrix> v_b;  // per head [v, kv_lora_rank]
};

class MlaProjection final : public QkvProjection {
 public:
  explicit MlaProjection(const ModelConfig& config)
      : config_(config),
        heads_(config.attention.num_heads),
        rank_(config.attention.kv_lora_rank),
        nope_(config.attention.qk_nope_head_dim),
        rope_(config.attention.qk_rope_head_dim),
        padded_rank_(padded_head_dim(rank_)),
        key_dim_(padded_rank_ + padded_head_dim(rope_)),
        value_(config.attention.v_head_dim),
        query_width_(heads_ * (nope_ + rope_)),
        first_width_(config.attention.q_lora_rank > 0 ? config.attention.q_lora_rank : query_width_) {}

  void describe_cache(KvLayout* layout) const override {
    layout->mla = true;
    layout->num_kv_heads = 1;
    layout->key_dim = key_dim_;
    layout->value_dim = padded_rank_;
  }

  void load_layer(WeightFiles& files, const AttentionTensors& tensors) override {
    MlaLayer layer;
    const bool low_rank = config_.attention.q_lora_rank > 0;
    layer.down = files.fused({low_rank ? &*tensors.q_a : &*tensors.q, &*tensors.kv_a});
    if (low_rank) {
      layer.q_a_norm = files.vector(*tensors.q_a_norm, first_width_);
      layer.q_b = files.matrix(*tensors.q_b);
    }
    layer.kv_a_norm = files.vector(*tensors.kv_a_norm, rank_);
    if (tensors.k_b.has_value()) load_split(files, tensors, &layer);
    else load_joined(files, *tensors.kv_b, &layer);
    layers_.push_back(std::move(layer));
  }

  bool reads_blocks(size_t layer_idx) const override { return layers_[layer_idx].down.any_reads_blocks(); }
  bool reads_floats(size_t layer_idx) const override { return layers_[layer_idx].down.any_reads_floats(); }

  void project(ThreadPool& pool, size_t layer_idx, const Ubatch& ubatch, RowBuffer& rows, KvPool& kv) override {
    const MlaLayer& layer = layers_[layer_idx];
    const size_t num_rows = ubatch.num_rows;
    const size_t width = first_width_ + rank_ + rope_;
    float* down = down_.reserve(num_rows * width);
    absorbed_.reserve(num_rows * heads_ * key_dim_);
    latent_.reserve(num_rows * heads_ * padded_rank_);
    multiply(pool, layer.down, rows, num_rows, MatmulOutput{down, width});
    float* queries = down;
    size_t ld_queries = width;
    if (!layer.q_b.empty()) {
      low_rank_.prepare(num_rows, first_width_, layer.q_b.reads_blocks(), !layer.q_b.reads_blocks());
      for_rows(pool, num_rows, [&](size_t begin, size_t end) {
        low_rank_.fill_normed(down, width, layer.q_a_norm.data(), config_.attention.lora_norm_eps, begin, end);
      });
      queries = queries_.reserve(num_rows * query_width_);
      ld_queries = query_width_;
      multiply(pool, layer.q_b, low_rank_, num_rows, MatmulOutput{queries, query_width_});
    }
    for_rows(pool, num_rows, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; row++) {
        finish_row(layer, ubatch, row, queries + row * ld_queries, down + row * width + first_width_, kv, layer_idx);
      }
    });
    absorb(pool, layer, queries, ld_queries, num_rows);
  }

  const float* queries() const override { return absorbed_.data(); }
  float* attention_output() override { return latent_.data(); }

  // Per head: [num_rows, rank] * v_b^T -> [num_rows, v].
  const float* finish(ThreadPool& pool, size_t layer_idx, size_t num_rows) override {
    const MlaLayer& layer = layers_[layer_idx];
    float* values = values_.reserve(num_rows * heads_ * value_);
    per_head(pool, layer.v_b, latent_.data(), heads_ * padded_rank_, padded_rank_, num_rows, values, heads_ * value_, value_);
    return values;
  }

 private:
  void load_split(WeightFiles& files, const AttentionTensors& tensors, MlaLayer* layer) {
    for (size_t head = 0; head < heads_; head++) {
      layer->k_b.push_back(files.stacked_matrix(*tensors.k_b, head));
      layer->v_b.push_back(files.stacked_matrix(*tensors.v_b, head));
    }
  }

  // kv_b has the rows of a head together, nope then v; k_b is its nope part transposed.
  void load_joined(WeightFiles& files, const TensorRef& kv_b, MlaLayer* layer) {
    const std::vector<float> joined = files.dequantized(kv_b);
    std::vector<float> transposed(rank_ * nope_);
    for (size_t head = 0; head < heads_; head++) {
      const size_t first = head * (nope_ + value_);
      for (size_t i = 0; i < nope_; i++) {
        for (size_t j = 0; j < rank_; j++) transposed[j * nope_ + i] = joined[(first + i) * rank_ + j];
      }
      layer->k_b.push_back(pack_like(kv_b, transposed, rank_, nope_));
      layer->v_b.push_back(files.matrix(kv_b, {first + nope_, first + nope_ + value_, 0, rank_}));
    }
  }

  // Keeps 16-bit weights at 16 bits, which is exact; anything else is kept in float32.
  static PackedMatrix pack_like(const TensorRef& source, const std::vector<float>& values, size_t rows, size_t columns) {
    StoredMatrix stored;
    stored.num_rows = rows;
    stored.num_columns = columns;
    if (source.dtype == TensorDtype::bf16) {
      std::vector<uint16_t> halves(values.size());
      to_bf16(values.data(), halves.data(), values.size());
      stored.dtype = TensorDtype::bf16;
      stored.data = reinterpret_cast<const uint8_t*>(halves.data());
      stored.num_bytes = halves.size() * sizeof(uint16_t);
      return PackedMatrix::pack(stored);
    }
    stored.dtype = TensorDtype::f32;
    stored.data = reinterpret_cast<const uint8_t*>(values.data());
    stored.num_bytes = values.size() * sizeof(float);
    return PackedMatrix::pack(stored);
  }

  // RoPE on the query heads' rope part; the row's latent is normed, its key rotated, both cached.
  void finish_row(const MlaLayer& layer, const Ubatch& ubatch, size_t row, float* query, float* latent, KvPool& kv,
                  size_t layer_idx) {
    const RopeParams rope = rope_params(config_.rope);
    const float* cos = ubatch.rope_cos.data() + row * (rope.dim / 2);
    const float* sin = ubatch.rope_sin.data() + row * (rope.dim / 2);
    rope_rotate(rope, cos, sin, query + nope_, heads_, nope_ + rope_);
    rope_rotate(rope, cos, sin, latent + rank_, 1, rope_);
    rms_norm(latent, rank_, layer.kv_a_norm.data(), config_.attention.lora_norm_eps, 1, rank_, latent, rank_);
    write_key(kv, layer_idx, ubatch.slots[row], latent);
    for (size_t head = 0; head < heads_; head++) {
      float* absorbed = absorbed_.data() + (row * heads_ + head) * key_dim_;
      std::fill_n(absorbed, key_dim_, 0.0f);
      std::copy_n(query + head * (nope_ + rope_) + nope_, rope_, absorbed + padded_rank_);
    }
  }

  // `latent` is [c | k_rope].
  void write_key(KvPool& kv, size_t layer_idx, size_t slot, const float* latent) {
    if (key_dim_ == rank_ + rope_) return kv_write(kv.layout(), kv.layer(layer_idx), slot, latent, latent);
    std::vector<float> padded(key_dim_);
    pad_heads(latent, 1, rank_, padded.data());
    pad_heads(latent + rank_, 1, rope_, padded.data() + padded_rank_);
    kv_write(kv.layout(), kv.layer(layer_idx), slot, padded.data(), padded.data());
  }

  void absorb(ThreadPool& pool, const MlaLayer& layer, const float* queries, size_t ld_queries, size_t num_rows) {
    per_head(pool, layer.k_b, queries, ld_queries, nope_ + rope_, num_rows, absorbed_.data(), heads_ * key_dim_, key_dim_);
  }

  // y[row, head] = x[row, head] * matrices[head]^T; heads are head_x and head_y floats apart in a row.
  void per_head(ThreadPool& pool, const std::vector<PackedMatrix>& matrices, const float* x, size_t ldx, size_t head_x,
                size_t num_rows, float* y, size_t ldy, size_t head_y) {
    head_rows_.resize(static_cast<size_t>(pool.num_threads()));
    pool.parallel_for(heads_, 1, [&](size_t begin, size_t end, int thread_idx) {
      RowBuffer& rows = head_rows_[static_cast<size_t>(thread_idx)];
      for (size_t head = begin; head < end; head++) {
        const PackedMatrix& matrix = matrices[head];
        rows.prepare(num_rows, matrix.num_inputs(), matrix.reads_blocks(), !matrix.reads_blocks());
        rows.fill(x + head * head_x, ldx, 0, num_rows);
        matmul(matrix, rows.for_matrix(matrix), num_rows, MatmulOutput{y + head * head_y, ldy}, 0, matrix.num_outputs());
      }
    });
  }

  const ModelConfig config_;
  const size_t heads_, rank_, nope_, rope_, padded_rank_, key_dim_, value_, query_width_, first_width_;
  std::vector<MlaLayer> layers_;
  RowBuffer low_rank_;
  std::vector<RowBuffer> head_rows_;
  AlignedBuffer<float> down_, queries_, absorbed_, latent_, values_;
};

}  // namespace

std::unique_ptr<QkvProjection> make_mla_projection(const ModelConfig& config) {
  return std::make_unique<MlaProjection>(config);
}

}  // namespace tandem
