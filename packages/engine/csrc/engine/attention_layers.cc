#include "engine/attention_layers.h"

#include <algorithm>

#include "model/engine_error.h"

namespace tandem {

namespace {

std::unique_ptr<QkvProjection> make_projection(const ModelConfig& config) {
  switch (config.attention.kind) {
    case AttentionKind::gqa: return make_gqa_projection(config);
    case AttentionKind::mfa: return make_mfa_projection(config);
    case AttentionKind::mla: return make_mla_projection(config);
  }
  return nullptr;
}

bool same_tensor(const TensorRef& a, const TensorRef& b) { return a.path == b.path && a.offset == b.offset; }

RouterParams router_params(const FfnConfig& ffn, const std::vector<float>& bias) {
  RouterParams params;
  params.num_experts = ffn.num_experts;
  params.top_k = ffn.router.top_k;
  params.sigmoid = ffn.router.sigmoid;
  params.num_groups = ffn.router.num_groups;
  params.top_k_groups = ffn.router.top_k_groups;
  params.group_top2_sum = ffn.router.group_top2_sum;
  params.norm_topk = ffn.router.norm_topk;
  params.scaling_factor = ffn.router.scaling_factor;
  params.bias = bias.empty() ? nullptr : bias.data();
  return params;
}

}  // namespace

AttentionLayers::AttentionLayers(const ModelConfig& config, const AttentionSideTensors& tensors, const KvOptions& kv,
                                 ThreadPool& pool, LoadProgress progress)
    : config_(config), pool_(pool), projection_(make_projection(config)) {
  KvLayout layout;
  layout.dtype = kv.dtype;
  layout.block_size = kv.block_size;
  projection_->describe_cache(&layout);
  if (const char* reason = check_kv_layout(layout)) throw EngineError("model_unsupported", {{"reason", std::string(reason)}});
  kv_ = std::make_unique<KvPool>(layout, config.num_layers, kv.num_blocks);

  WeightFiles files(std::move(progress));
  lm_head_ = files.matrix(tensors.lm_head);
  if (!same_tensor(tensors.token_embd, tensors.lm_head)) token_embd_ = files.matrix(tensors.token_embd);
  output_norm_ = files.vector(tensors.output_norm, config.hidden_size);
  for (size_t i = 0; i < config.num_layers; i++) load_layer(files, tensors.layers[i], config.ffn[i]);
  weight_bytes_ = files.packed_bytes();

  for (int i = 0; i < pool.num_threads(); i++) workspaces_.emplace_back(attention_workspace_bytes(layout));
}

void AttentionLayers::load_layer(WeightFiles& files, const AttentionLayerTensors& tensors, const FfnConfig& ffn) {
  Layer layer;
  layer.attn_norm = files.vector(tensors.attn_norm, config_.hidden_size);
  layer.ffn_norm = files.vector(tensors.ffn_norm, config_.hidden_size);
  projection_->load_layer(files, tensors.attention);
  layer.o = files.matrix(*tensors.attention.o);
  if (ffn.moe) {
    if (!tensors.router.has_value()) throw EngineError("model_unsupported", {{"reason", std::string("a MoE layer has no router")}});
    if (ffn.num_experts > kMaxExperts) throw EngineError("model_unsupported", {{"reason", std::string("more experts than the router takes")}});
    layer.router = files.matrix(*tensors.router);
    // Rounding could make another expert win.
    layer.router.keep_float_rows();
    if (tensors.router_bias.has_value()) layer.router_bias = files.vector(*tensors.router_bias, ffn.num_experts);
  }
  layers_.push_back(std::move(layer));
}

AttentionParams AttentionLayers::attention_params(const Ubatch& ubatch) const {
  AttentionParams params;
  params.layout = kv_->layout();
  params.num_heads = config_.attention.num_heads;
  params.scale = config_.attention.scale;
  params.sequences = ubatch.sequences.data();
  params.num_sequences = ubatch.sequences.size();
  params.ld_queries = params.num_heads * params.layout.key_dim;
  params.ld_output = params.num_heads * params.layout.value_dim;
  return params;
}

void AttentionLayers::begin(Ubatch* ubatch) {
  const size_t hidden = config_.hidden_size;
  const size_t half = config_.rope.dim / 2;
  ubatch->residual.reserve(ubatch->num_rows * hidden);
  ubatch->hidden.reserve(ubatch->num_rows * hidden);
  ubatch->rope_cos.reserve(ubatch->num_rows * half);
  ubatch->rope_sin.reserve(ubatch->num_rows * half);

  const PackedMatrix& embedding = token_embd_.empty() ? lm_head_ : token_embd_;
  const RopeParams rope = rope_params(config_.rope);
  for_rows(pool_, ubatch->num_rows, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; row++) {
      embedding.unpack_output(ubatch->token_ids[row], ubatch->residual.data() + row * hidden);
      rope_angles(rope, ubatch->positions[row], ubatch->rope_cos.data() + row * half, ubatch->rope_sin.data() + row * half);
    }
  });

  const AttentionParams params = attention_params(*ubatch);
  const AttentionPlanSize size = attention_plan_size(params);
  ubatch->items.resize(size.num_items);
  ubatch->merges.resize(size.num_merges);
  ubatch->attention_scratch_floats = size.scratch_floats;
  attention_plan(params, ubatch->items.data(), ubatch->merges.data());
}

void AttentionLayers::run_attention(size_t layer_idx, Ubatch* ubatch) {
  AttentionParams params = attention_params(*ubatch);
  params.pool = kv_->layer(layer_idx);
  params.queries = projection_->queries();
  params.output = projection_->attention_output();
  float* scratch = attention_scratch_.reserve(ubatch->attention_scratch_floats);
  pool_.parallel_for(ubatch->items.size(), 1, [&](size_t begin, size_t end, int thread_idx) {
    const AttentionItem* items = ubatch->items.data();
    for (size_t i = begin; i < end; i++) {
      attention_run(params, items[i], i + 1 < end ? items + i + 1 : nullptr, scratch, workspaces_[thread_idx].data());
    }
  });
  if (ubatch->merges.empty()) return;
  pool_.parallel_for(ubatch->merges.size(), 1, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; i++) attention_merge(params, ubatch->merges[i], scratch);
  });
}

void AttentionLayers::attend(size_t layer_idx, Ubatch* ubatch) {
  const Layer& layer = layers_[layer_idx];
  const size_t hidden = config_.hidden_size;
  const size_t num_rows = ubatch->num_rows;
  float* residual = ubatch->residual.data();

  rows_.prepare(num_rows, hidden, projection_->reads_blocks(layer_idx), projection_->reads_floats(layer_idx));
  for_rows(pool_, num_rows, [&](size_t begin, size_t end) {
    rows_.fill_normed(residual, hidden, layer.attn_norm.data(), config_.rms_norm_eps, begin, end);
  });
  projection_->project(pool_, layer_idx, *ubatch, rows_, *kv_);
  run_attention(layer_idx, ubatch);

  const float* attended = projection_->finish(pool_, layer_idx, num_rows);
  const size_t width = layer.o.num_inputs();
  output_rows_.prepare(num_rows, width, layer.o.reads_blocks(), !layer.o.reads_blocks());
  for_rows(pool_, num_rows, [&](size_t begin, size_t end) { output_rows_.fill(attended, width, begin, end); });
  multiply(pool_, layer.o, output_rows_, num_rows, MatmulOutput{residual, hidden, true});

  for_rows(pool_, num_rows, [&](size_t begin, size_t end) {
    rms_norm(residual + begin * hidden, hidden, layer.ffn_norm.data(), config_.rms_norm_eps, end - begin, hidden,
             ubatch->hidden.data() + begin * hidden, hidden);
  });
  route_rows(layer_idx, ubatch);
}

void AttentionLayers::route_rows(size_t layer_idx, Ubatch* ubatch) {
  const FfnConfig& ffn = config_.ffn[layer_idx];
  const size_t num_rows = ubatch->num_rows;
  ubatch->topk_ids.resize(num_rows * ffn.top_k());
  ubatch->topk_weights.resize(num_rows * ffn.top_k());
  if (!ffn.moe) return;
  const Layer& layer = layers_[layer_idx];
  hidden_rows_.prepare(num_rows, config_.hidden_size, layer.router.reads_blocks(), !layer.router.reads_blocks());
  float* logits = router_logits_.reserve(num_rows * ffn.num_experts);
  for_rows(pool_, num_rows, [&](size_t begin, size_t end) {
    hidden_rows_.fill(ubatch->hidden.data(), config_.hidden_size, begin, end);
  });
  multiply(pool_, layer.router, hidden_rows_, num_rows, MatmulOutput{logits, ffn.num_experts});
  const RouterParams params = router_params(ffn, layer.router_bias);
  for_rows(pool_, num_rows, [&](size_t begin, size_t end) {
    route(params, logits + begin * ffn.num_experts, ffn.num_experts, end - begin,
          ubatch->topk_ids.data() + begin * ffn.top_k(), ubatch->topk_weights.data() + begin * ffn.top_k());
  });
}

float* AttentionLayers::logits(const std::vector<const float*>& residual_rows) {
  const size_t hidden = config_.hidden_size;
  const size_t num_rows = residual_rows.size();
  float* gathered = gathered_.reserve(num_rows * hidden);
  rows_.prepare(num_rows, hidden, lm_head_.reads_blocks(), !lm_head_.reads_blocks());
  for_rows(pool_, num_rows, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; row++) std::copy_n(residual_rows[row], hidden, gathered + row * hidden);
    rows_.fill_normed(gathered, hidden, output_norm_.data(), config_.rms_norm_eps, begin, end);
  });
  float* logits = logits_.reserve(num_rows * logits_stride());
  multiply(pool_, lm_head_, rows_, num_rows, MatmulOutput{logits, logits_stride()});
  return logits;
}

}  // namespace tandem
