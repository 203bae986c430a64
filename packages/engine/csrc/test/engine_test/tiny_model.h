// Owns a random model small enough for the sanitizers: GQA attention, one dense and one MoE layer, float32, in a temporary file.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "model/model_config.h"
#include "test/self_test/self_test.h"

namespace tandem::engine_test {

class TinyModel {
 public:
  TinyModel() : path_(std::filesystem::temp_directory_path() / "tandem-tiny-XXXXXX") {
    const int fd = ::mkstemp(path_.data());
    file_ = ::fdopen(fd, "wb");
    CHECK(file_ != nullptr);
    config.vocab_size = 64;
    config.hidden_size = kHidden;
    config.num_layers = 2;
    config.rms_norm_eps = 1e-5f;
    config.attention = {AttentionKind::gqa, 2, 0.25f, 1, 16};
    config.rope = {16, false, {1, 0.5f, 0.25f, 0.125f, 0.1f, 0.05f, 0.02f, 0.01f}, 1};
    FfnConfig moe;
    moe.moe = true;
    moe.num_experts = 8;
    moe.intermediate_size = 16;
    moe.router.top_k = 2;
    config.ffn = {FfnConfig{false, 64}, moe};

    attention.token_embd = tensor({64, kHidden});
    attention.lm_head = attention.token_embd;
    attention.output_norm = tensor({kHidden});
    for (size_t i = 0; i < config.num_layers; i++) add_layer(i);
    std::fclose(file_);
  }
  ~TinyModel() { ::unlink(path_.c_str()); }

  ModelConfig config;
  AttentionSideTensors attention;
  FfnSideTensors ffn;

 private:
  static constexpr size_t kHidden = 32;

  TensorRef tensor(std::vector<size_t> shape) {
    TensorRef ref;
    ref.name = "t" + std::to_string(offset_);
    ref.path = path_;
    ref.offset = offset_;
    size_t count = 1;
    for (size_t extent : shape) count *= extent;
    ref.shape = std::move(shape);
    ref.num_bytes = count * sizeof(float);
    const std::vector<float> values = random_.floats(count);
    CHECK(std::fwrite(values.data(), sizeof(float), count, file_) == count);
    offset_ += ref.num_bytes;
    return ref;
  }

  GatedMlpTensors mlp(size_t width) { return {tensor({width, kHidden}), tensor({width, kHidden}), tensor({kHidden, width})}; }

  void add_layer(size_t layer_idx) {
    AttentionLayerTensors& layer = attention.layers.emplace_back();
    layer.attn_norm = tensor({kHidden});
    layer.ffn_norm = tensor({kHidden});
    layer.attention.q = tensor({32, kHidden});
    layer.attention.k = tensor({16, kHidden});
    layer.attention.v = tensor({16, kHidden});
    layer.attention.o = tensor({kHidden, 32});
    FfnLayerTensors& feed_forward = ffn.layers.emplace_back();
    if (!config.ffn[layer_idx].moe) {
      feed_forward.dense = mlp(64);
      return;
    }
    layer.router = tensor({8, kHidden});
    for (int expert = 0; expert < 8; expert++) feed_forward.experts.push_back(mlp(16));
  }

  std::string path_;
  std::FILE* file_ = nullptr;
  uint64_t offset_ = 0;
  self_test::Random random_{1};
};

}  // namespace tandem::engine_test
