// Owns the arithmetic of the FFN side for some leaves of every layer: gated MLPs cut by intermediate slices, experts cut by
// expert or by slice. No scheduling and no socket. A row's result depends on that row only.
#pragma once

#include <memory>
#include <vector>

#include "engine/row_products.h"
#include "engine/shard_tree.h"
#include "model/model_config.h"

namespace tandem {

enum class FfnSplit { ep, tp };

// The rows of one frame, and where its partials go.
struct FfnRows {
  size_t num_rows = 0;
  const float* hidden = nullptr;          // [num_rows, hidden_size]
  const uint16_t* topk_ids = nullptr;     // [num_rows, top_k], every id < num_experts
  const float* topk_weights = nullptr;
  std::vector<float*> roots;              // per root of the shard: [num_rows, hidden_size]
};

// Work space of one caller; reused from call to call.
struct FfnScratch {
  RowBuffer rows, inner, expert_rows;
  std::vector<AlignedBuffer<float>> gate_up;  // one per thread
  AlignedBuffer<float> leaves;                // [num_leaves][num_rows, hidden_size]
  std::vector<uint16_t> topk_ids;
  std::vector<float> topk_weights;
  std::vector<int32_t> expert_row_of;
  std::vector<float> expert_factor;
};

class FfnShard {
 public:
  // Throws EngineError for a tensor it cannot run.
  FfnShard(const ModelConfig& config, const FfnSideTensors& tensors, FfnSplit split, LeafRange leaves,
           LoadProgress progress);

  const std::vector<SubtreeRoot>& roots() const { return roots_; }
  LeafRange leaves() const { return leaves_; }
  FfnSplit split() const { return split_; }
  uint64_t weight_bytes() const { return weight_bytes_; }

  // FFN half of a layer over all rows of `frames` at once. All input is read before anything is written: `roots` may lie
  // where the input does.
  void run(size_t layer_idx, const std::vector<FfnRows>& frames, ThreadPool& pool, FfnScratch* scratch) const;

 private:
  // A gated MLP, or the slice of one. `empty` when the leaves got no part of it.
  struct Mlp {
    bool empty = true;
    PackedMatrix gate, up, down;
    TreePlan plan;
  };
  struct Layer {
    Mlp dense;
    std::vector<Mlp> experts;  // [num_experts]
    Mlp shared;
  };

  Mlp load_slice(WeightFiles& files, const GatedMlpTensors& tensors, size_t intermediate_size) const;
  Mlp load_whole(WeightFiles& files, const GatedMlpTensors& tensors) const;
  Layer load_layer(WeightFiles& files, const FfnLayerTensors& tensors, const FfnConfig& ffn) const;

  void gated(const Mlp& mlp, const RowBuffer& rows, size_t num_rows, ThreadPool& pool, FfnScratch* scratch) const;
  void run_dense(const Mlp& mlp, const std::vector<FfnRows>& frames, size_t num_rows, ThreadPool& pool,
                 FfnScratch* scratch) const;
  void run_moe(const Layer& layer, const FfnConfig& ffn, const std::vector<FfnRows>& frames, size_t num_rows,
               ThreadPool& pool, FfnScratch* scratch) const;
  void run_expert(const Layer& layer, const FfnConfig& ffn, size_t expert_idx, size_t num_rows, ThreadPool& pool,
                  FfnScratch* scratch) const;
  std::vector<float*> leaf_buffers(size_t num_rows, FfnScratch* scratch) const;
  bool needs(const Layer& layer, bool blocks) const;

  const ModelConfig config_;
  const FfnSplit split_;
  const LeafRange leaves_;
  const std::vector<SubtreeRoot> roots_;
  std::vector<Layer> layers_;
  uint64_t weight_bytes_ = 0;
};

}  // namespace tandem
