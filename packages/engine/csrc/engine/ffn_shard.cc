#include "engine/ffn_shard.h"

#include <algorithm>

#include "model/engine_error.h"

namespace tandem {

namespace {

// Columns of one unit of gate/up work: one activation block of the down projection.
constexpr size_t kUnitColumns = kBlock;

// Elements of the intermediate dimension that stay together (core's intermediateSlice).
size_t slice_unit(const TensorRef& down) {
  const size_t block = down.block_scale != nullptr ? down.block_columns : block_elements(down.dtype);
  return std::max<size_t>(block, 4);
}

}  // namespace

FfnShard::FfnShard(const ModelConfig& config, const FfnSideTensors& tensors, FfnSplit split, LeafRange leaves,
                   LoadProgress progress)
    : config_(config), split_(split), leaves_(leaves), roots_(subtree_roots(leaves)) {
  WeightFiles files(std::move(progress));
  for (size_t i = 0; i < config.num_layers; i++) {
    layers_.push_back(load_layer(files, tensors.layers[i], config.ffn[i]));
  }
  weight_bytes_ = files.packed_bytes();
}

FfnShard::Mlp FfnShard::load_slice(WeightFiles& files, const GatedMlpTensors& tensors, size_t intermediate_size) const {
  Mlp mlp;
  size_t begin = 0, end = 0;
  mlp.plan = make_tree_plan(intermediate_size, slice_unit(tensors.down), leaves_.start, leaves_.end, &begin, &end);
  mlp.empty = begin == end;
  if (mlp.empty) return mlp;
  mlp.gate = files.matrix(tensors.gate, {begin, end, 0, config_.hidden_size});
  mlp.up = files.matrix(tensors.up, {begin, end, 0, config_.hidden_size});
  mlp.down = files.matrix(tensors.down, {0, config_.hidden_size, begin, end});
  if (!leaves_are_blocks(intermediate_size, slice_unit(tensors.down))) mlp.down.keep_float_rows();
  return mlp;
}

FfnShard::Mlp FfnShard::load_whole(WeightFiles& files, const GatedMlpTensors& tensors) const {
  Mlp mlp;
  mlp.empty = false;
  mlp.gate = files.matrix(tensors.gate);
  mlp.up = files.matrix(tensors.up);
  mlp.down = files.matrix(tensors.down);
  return mlp;
}

FfnShard::Layer FfnShard::load_layer(WeightFiles& files, const FfnLayerTensors& tensors, const FfnConfig& ffn) const {
  Layer layer;
  if (!ffn.moe) {
    layer.dense = load_slice(files, *tensors.dense, ffn.intermediate_size);
    return layer;
  }
  layer.experts.resize(ffn.num_experts);
  const size_t first = split_ == FfnSplit::ep ? units_of_leaf(ffn.num_experts, leaves_.start).start : 0;
  const size_t end = split_ == FfnSplit::ep ? units_of_leaf(ffn.num_experts, leaves_.end - 1).end : ffn.num_experts;
  for (size_t expert = first; expert < end; expert++) {
    layer.experts[expert] = split_ == FfnSplit::ep ? load_whole(files, tensors.experts[expert])
                                                   : load_slice(files, tensors.experts[expert], ffn.intermediate_size);
  }
  if (ffn.shared_intermediate_size > 0) {
    layer.shared = load_slice(files, *tensors.shared, ffn.shared_intermediate_size);
  }
  return layer;
}

bool FfnShard::needs(const Layer& layer, bool blocks) const {
  const auto reads = [&](const Mlp& mlp) {
    return !mlp.empty && (mlp.gate.reads_blocks() == blocks || mlp.up.reads_blocks() == blocks);
  };
  return reads(layer.dense) || reads(layer.shared) || std::any_of(layer.experts.begin(), layer.experts.end(), reads);
}

void FfnShard::run(size_t layer_idx, const std::vector<FfnRows>& frames, ThreadPool& pool, FfnScratch* scratch) const {
  const Layer& layer = layers_[layer_idx];
  const FfnConfig& ffn = config_.ffn[layer_idx];
  size_t num_rows = 0;
  for (const FfnRows& frame : frames) num_rows += frame.num_rows;
  while (scratch->gate_up.size() < static_cast<size_t>(pool.num_threads())) scratch->gate_up.emplace_back();
  for (AlignedBuffer<float>& buffer : scratch->gate_up) buffer.reserve(2 * num_rows * kUnitColumns);

  scratch->rows.prepare(num_rows, config_.hidden_size, needs(layer, true), needs(layer, false));
  size_t first_row = 0;
  for (const FfnRows& frame : frames) {
    // Row r of the frame is row first_row + r of the batch; `fill` reads x at the batch's row number.
    const float* shifted = frame.hidden - first_row * config_.hidden_size;
    for_rows(pool, frame.num_rows, [&](size_t begin, size_t end) {
      scratch->rows.fill(shifted, config_.hidden_size, first_row + begin, first_row + end);
    });
    first_row += frame.num_rows;
  }
  if (ffn.moe) run_moe(layer, ffn, frames, num_rows, pool, scratch);
  else run_dense(layer.dense, frames, num_rows, pool, scratch);
}

// inner = silu(x * gate^T) * (x * up^T), ready for the down projection. One pass: a thread finishes a block of
// columns of both products and quantises it while it is in its cache.
void FfnShard::gated(const Mlp& mlp, const RowBuffer& rows, size_t num_rows, ThreadPool& pool,
                     FfnScratch* scratch) const {
  RowBuffer& inner = scratch->inner;
  const size_t width = mlp.gate.num_outputs();
  inner.prepare(num_rows, width, mlp.down.reads_blocks(), !mlp.down.reads_blocks());
  const Activations gate_rows = rows.for_matrix(mlp.gate);
  const Activations up_rows = rows.for_matrix(mlp.up);
  const size_t num_units = (width + kUnitColumns - 1) / kUnitColumns;
  pool.parallel_for(num_units, 1, [&](size_t unit_begin, size_t unit_end, int thread_idx) {
    float* gate = scratch->gate_up[thread_idx].data();
    float* up = gate + num_rows * kUnitColumns;
    for (size_t unit = unit_begin; unit < unit_end; unit++) {
      const size_t begin = unit * kUnitColumns;
      const size_t end = std::min(begin + kUnitColumns, width);
      matmul(mlp.gate, gate_rows, num_rows, MatmulOutput{gate - begin, kUnitColumns}, begin, end);
      matmul(mlp.up, up_rows, num_rows, MatmulOutput{up - begin, kUnitColumns}, begin, end);
      if (inner.has_blocks()) {
        swiglu_quantize(gate, kUnitColumns, up, kUnitColumns, num_rows, end - begin, inner.blocks(0) + unit,
                        inner.ld_blocks());
      } else {
        swiglu(gate, kUnitColumns, up, kUnitColumns, num_rows, end - begin, inner.values(0) + begin, inner.ld_values());
      }
    }
  });
}

void FfnShard::run_dense(const Mlp& mlp, const std::vector<FfnRows>& frames, size_t num_rows, ThreadPool& pool,
                         FfnScratch* scratch) const {
  const size_t hidden = config_.hidden_size;
  if (mlp.empty) {
    for (const FfnRows& frame : frames) {
      for (float* root : frame.roots) std::fill_n(root, frame.num_rows * hidden, 0.0f);
    }
    return;
  }
  gated(mlp, scratch->rows, num_rows, pool, scratch);
  const Activations inner = scratch->inner.for_matrix(mlp.down);
  // The frames' rows are computed group by group of panels, so that weights are read from memory once for all.
  const size_t group = split_group(mlp.down, num_rows);
  pool.parallel_for(mlp.down.num_panels(), group, [&](size_t begin, size_t end, int) {
    for (size_t panel = begin; panel < end; panel += group) {
      size_t first_row = 0;
      for (const FfnRows& frame : frames) {
        matmul_tree(mlp.down, mlp.plan, inner.from_row(first_row), frame.num_rows, frame.roots.data(), hidden,
                    panel * kPanel, std::min(std::min(panel + group, end) * kPanel, hidden));
        first_row += frame.num_rows;
      }
    }
  });
}

std::vector<float*> FfnShard::leaf_buffers(size_t num_rows, FfnScratch* scratch) const {
  const size_t leaf_floats = num_rows * config_.hidden_size;
  float* memory = scratch->leaves.reserve(leaves_.size() * leaf_floats);
  std::fill_n(memory, leaves_.size() * leaf_floats, 0.0f);
  std::vector<float*> buffers;
  for (int i = 0; i < leaves_.size(); i++) buffers.push_back(memory + i * leaf_floats);
  return buffers;
}

void FfnShard::run_expert(const Layer& layer, const FfnConfig& ffn, size_t expert_idx, size_t num_rows, ThreadPool& pool,
                          FfnScratch* scratch) const {
  const Mlp& mlp = layer.experts[expert_idx];
  if (mlp.empty) return;
  std::vector<int32_t>& row_of = scratch->expert_row_of;
  std::vector<float>& factor = scratch->expert_factor;
  row_of.clear();
  factor.clear();
  for (size_t row = 0; row < num_rows; row++) {
    for (size_t k = 0; k < ffn.top_k(); k++) {
      if (scratch->topk_ids[row * ffn.top_k() + k] != expert_idx) continue;
      row_of.push_back(static_cast<int32_t>(row));
      factor.push_back(scratch->topk_weights[row * ffn.top_k() + k]);
      break;
    }
  }
  if (row_of.empty()) return;
  const size_t count = row_of.size();
  RowBuffer& rows = scratch->expert_rows;
  rows.prepare(count, config_.hidden_size, scratch->rows.has_blocks(), scratch->rows.has_floats());
  if (rows.has_blocks()) {
    const auto x = Activations::of(scratch->rows.blocks(0), scratch->rows.ld_blocks());
    gather_rows(x, row_of.data(), count, config_.hidden_size, rows.blocks(0), nullptr, rows.ld_blocks());
  }
  if (rows.has_floats()) {
    const auto x = Activations::of(scratch->rows.values(0), scratch->rows.ld_values());
    gather_rows(x, row_of.data(), count, config_.hidden_size, nullptr, rows.values(0), rows.ld_values());
  }
  gated(mlp, rows, count, pool, scratch);

  const Activations inner = scratch->inner.for_matrix(mlp.down);
  const size_t hidden = config_.hidden_size;
  const size_t leaf_floats = num_rows * hidden;
  std::vector<float*> leaves;
  for (int i = 0; i < leaves_.size(); i++) leaves.push_back(scratch->leaves.data() + i * leaf_floats);
  if (split_ == FfnSplit::tp) {
    pool.parallel_for(mlp.down.num_panels(), split_group(mlp.down, count), [&](size_t begin, size_t end, int) {
      matmul_leaves(mlp.down, mlp.plan, inner, count, row_of.data(), factor.data(), leaves.data(), hidden,
                    begin * kPanel, std::min(end * kPanel, hidden));
    });
    return;
  }
  int leaf = 0;
  while (static_cast<size_t>(units_of_leaf(ffn.num_experts, leaves_.start + leaf).end) <= expert_idx) leaf++;
  pool.parallel_for(mlp.down.num_panels(), split_group(mlp.down, count), [&](size_t begin, size_t end, int) {
    matmul_scatter(mlp.down, inner, count, row_of.data(), factor.data(), leaves[leaf], hidden, begin * kPanel,
                   std::min(end * kPanel, hidden));
  });
}

// A leaf's partial: its experts in ascending id, then its slice of the shared expert.
void FfnShard::run_moe(const Layer& layer, const FfnConfig& ffn, const std::vector<FfnRows>& frames, size_t num_rows,
                       ThreadPool& pool, FfnScratch* scratch) const {
  const size_t hidden = config_.hidden_size;
  const std::vector<float*> leaves = leaf_buffers(num_rows, scratch);
  scratch->topk_ids.clear();
  scratch->topk_weights.clear();
  for (const FfnRows& frame : frames) {
    const size_t count = frame.num_rows * ffn.top_k();
    scratch->topk_ids.insert(scratch->topk_ids.end(), frame.topk_ids, frame.topk_ids + count);
    scratch->topk_weights.insert(scratch->topk_weights.end(), frame.topk_weights, frame.topk_weights + count);
  }
  for (size_t expert = 0; expert < ffn.num_experts; expert++) run_expert(layer, ffn, expert, num_rows, pool, scratch);
  if (!layer.shared.empty) {
    gated(layer.shared, scratch->rows, num_rows, pool, scratch);
    const Activations inner = scratch->inner.for_matrix(layer.shared.down);
    pool.parallel_for(layer.shared.down.num_panels(), split_group(layer.shared.down, num_rows), [&](size_t begin, size_t end, int) {
      matmul_leaves(layer.shared.down, layer.shared.plan, inner, num_rows, nullptr, nullptr, leaves.data(), hidden,
                    begin * kPanel, std::min(end * kPanel, hidden));
    });
  }
  size_t first_row = 0;
  for (const FfnRows& frame : frames) {
    for (size_t root = 0; root < roots_.size(); root++) {
      std::vector<const float*> parts;
      for (int leaf = roots_[root].leaves.start; leaf < roots_[root].leaves.end; leaf++) {
        parts.push_back(leaves[leaf - leaves_.start] + first_row * hidden);
      }
      add_tree(parts.data(), static_cast<int>(parts.size()), frame.roots[root], frame.num_rows * hidden);
    }
    first_row += frame.num_rows;
  }
}

}  // namespace tandem
