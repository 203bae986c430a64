#include "kernels/matmul.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "kernels/kernel_table.h"
#include "kernels/quant_panels.h"

namespace tandem {
namespace {

constexpr size_t kMaxFloatRows = 64;
/** Floats of the sums of a panel group: 64 rows of four panels, or 128 of two. Some of these lie on the stack of a thread. */
constexpr size_t kMaxSums = 64 * kMaxPanels * kPanel;

size_t panel_group(const PackedMatrix& weights) { return weights.reads_blocks() ? quant_panels().num_panels : kernels().num_float_panels; }

/** Sums of a group of panels for up to kMaxPanelRows rows over a range of inputs: [num_rows][16 * num_panels]. */
class PanelProduct {
 public:
  PanelProduct(const PackedMatrix& weights, const Activations& x)
      : weights_(weights), x_(x), reads_blocks_(weights.reads_blocks()),
        quant_(quant_panels().of[static_cast<size_t>(weights.dtype())]),
        group_(panel_group(weights)), table_(kernels()) {
    assert(reads_blocks_ ? x.blocks != nullptr : x.values != nullptr);
  }

  /** Panels to ask for at once. */
  size_t group() const { return group_; }
  /** Rows to ask for at once. */
  size_t max_rows() const { return reads_blocks_ ? quant_panels().max_rows : kMaxFloatRows; }

  void run(size_t panel_idx, size_t num_panels, size_t k_begin, size_t k_end, size_t first_row, size_t num_rows, float* out) const {
    if (k_begin == k_end) {
      std::memset(out, 0, num_rows * num_panels * kPanel * sizeof(float));
    } else if (reads_blocks_) {
      const uint8_t* data = weights_.data() + panel_idx * weights_.panel_bytes();
      const QuantPanel panel = quant_panel_at(weights_.dtype(), data, weights_.num_inputs() / kBlock);
      quant_(panel, num_panels, k_begin / kBlock, k_end / kBlock, x_.blocks + first_row * x_.stride, x_.stride, num_rows, out);
    } else {
      table_.float_panels(float_panel_at(weights_, panel_idx), num_panels, k_begin, k_end, x_.values + first_row * x_.stride, x_.stride,
                          num_rows, out);
    }
  }

 private:
  const PackedMatrix& weights_;
  const Activations& x_;
  bool reads_blocks_;
  QuantPanelFn quant_;
  size_t group_;
  const KernelTable& table_;
};

/** A part of a product: some rows of a few adjacent panels. */
struct Part {
  size_t row, num_rows, panel, num_panels, column, num_columns;
  /** Floats of a row of sums, and of all of them. */
  size_t width() const { return num_panels * kPanel; }
  size_t num_sums() const { return num_rows * width(); }
};

/** Calls visit(part) for every row chunk and panel group of a column range. */
template <typename Visit>
void for_each_part(const PackedMatrix& weights, const PanelProduct& product, size_t num_rows, size_t column_begin, size_t column_end,
                   Visit&& visit) {
  assert(column_begin % kPanel == 0 && column_end <= weights.num_outputs());
  const size_t group = product.group(), max_rows = product.max_rows();
  assert(max_rows * group * kPanel <= kMaxSums);
  for (size_t row = 0; row < num_rows; row += max_rows) {
    const size_t rows = std::min(max_rows, num_rows - row);
    for (size_t column = column_begin; column < column_end; column += group * kPanel) {
      const size_t columns = std::min(group * kPanel, column_end - column);
      visit(Part{row, rows, column / kPanel, (columns + kPanel - 1) / kPanel, column, columns});
    }
  }
}

/** Fixed tree over leaves [first, first + count): left + right, without storage beyond log2(8) buffers. */
template <typename Leaf>
void sum_tree(int first, int count, size_t num_values, float* out, float (*buffers)[kMaxSums], Leaf&& leaf) {
  if (count == 1) {
    leaf(first, out);
    return;
  }
  sum_tree(first, count / 2, num_values, out, buffers + 1, leaf);
  sum_tree(first + count / 2, count / 2, num_values, buffers[0], buffers + 1, leaf);
  kernels().add_rows(buffers[0], num_values, 1, num_values, out, num_values);
}

void add_rows_to(const Part& part, const float* sums, const int32_t* row_of, const float* factor, float* y, size_t ldy) {
  for (size_t r = 0; r < part.num_rows; r++) {
    const size_t row = part.row + r;
    float* target = y + (row_of != nullptr ? static_cast<size_t>(row_of[row]) : row) * ldy + part.column;
    kernels().add_scaled(sums + r * part.width(), factor != nullptr ? factor[row] : 1.0f, part.num_columns, target);
  }
}

}  // namespace

float weight_limit() { return quant_panels().weight_limit; }

size_t split_group(const PackedMatrix& weights, size_t num_rows) {
  constexpr size_t kFewRows = 3;
  if (num_rows > kFewRows) return panel_group(weights);
  return weights.reads_blocks() ? quant_panels().num_panels_of_few_rows : 1;
}

void matmul(const PackedMatrix& weights, const Activations& x, size_t num_rows, const MatmulOutput& output, size_t column_begin,
            size_t column_end) {
  const PanelProduct product(weights, x);
  alignas(64) float sums[kMaxSums];
  for_each_part(weights, product, num_rows, column_begin, column_end, [&](const Part& part) {
    // Rows of logits are far apart and not in a cache: fetch their lines while the sums are computed.
    for (size_t r = 0; r < part.num_rows; r++) {
      const float* row = output.y + (part.row + r) * output.ldy + part.column;
      for (size_t c = 0; c < part.num_columns; c += 16) __builtin_prefetch(row + c, 1, 2);
    }
    product.run(part.panel, part.num_panels, 0, weights.num_inputs(), part.row, part.num_rows, sums);
    if (output.bias != nullptr) kernels().add_rows(output.bias + part.column, 0, part.num_rows, part.num_columns, sums, part.width());
    const auto deliver = output.accumulate ? kernels().add_rows : kernels().copy_rows;
    deliver(sums, part.width(), part.num_rows, part.num_columns, output.y + part.row * output.ldy + part.column, output.ldy);
  });
}

TreePlan make_tree_plan(size_t intermediate_size, size_t unit_size, int first_leaf, int end_leaf, size_t* input_begin,
                        size_t* input_end) {
  assert(first_leaf >= 0 && first_leaf < end_leaf && end_leaf <= kNumVirtualShards && unit_size > 0);
  const size_t num_units = (intermediate_size + unit_size - 1) / unit_size;
  auto leaf_start = [&](int leaf) {
    return std::min(static_cast<size_t>(leaf) * num_units / kNumVirtualShards * unit_size, intermediate_size);
  };
  TreePlan plan;
  plan.first_leaf = first_leaf;
  plan.num_leaves = end_leaf - first_leaf;
  *input_begin = leaf_start(first_leaf);
  *input_end = leaf_start(end_leaf);
  for (int i = 0; i <= plan.num_leaves; i++) plan.leaf_begin[i] = leaf_start(first_leaf + i) - *input_begin;
  // Maximal complete subtrees, left to right: the largest power of two that divides the position and fits.
  for (int leaf = first_leaf; leaf < end_leaf;) {
    int size = leaf == 0 ? kNumVirtualShards : leaf & -leaf;
    while (leaf + size > end_leaf) size /= 2;
    leaf += size;
    plan.root_leaf[++plan.num_roots] = leaf - first_leaf;
  }
  return plan;
}

bool leaves_are_blocks(size_t intermediate_size, size_t unit_size) {
  size_t begin = 0, end = 0;
  const TreePlan whole = make_tree_plan(intermediate_size, unit_size, 0, kNumVirtualShards, &begin, &end);
  return std::all_of(whole.leaf_begin, whole.leaf_begin + kNumVirtualShards + 1, [](size_t input) { return input % kBlock == 0; });
}

void matmul_tree(const PackedMatrix& weights, const TreePlan& plan, const Activations& x, size_t num_rows, float* const* y_roots,
                 size_t ldy, size_t column_begin, size_t column_end) {
  const PanelProduct product(weights, x);
  alignas(64) float sums[kMaxSums];
  alignas(64) float buffers[3][kMaxSums];
  for_each_part(weights, product, num_rows, column_begin, column_end, [&](const Part& part) {
    for (int root = 0; root < plan.num_roots; root++) {
      const int first = plan.root_leaf[root], count = plan.root_leaf[root + 1] - first;
      sum_tree(first, count, part.num_sums(), sums, buffers, [&](int leaf, float* out) {
        product.run(part.panel, part.num_panels, plan.leaf_begin[leaf], plan.leaf_begin[leaf + 1], part.row, part.num_rows, out);
      });
      kernels().copy_rows(sums, part.width(), part.num_rows, part.num_columns, y_roots[root] + part.row * ldy + part.column, ldy);
    }
  });
}

void matmul_leaves(const PackedMatrix& weights, const TreePlan& plan, const Activations& x, size_t num_rows, const int32_t* row_of,
                   const float* factor, float* const* y_leaves, size_t ldy, size_t column_begin, size_t column_end) {
  const PanelProduct product(weights, x);
  alignas(64) float sums[kMaxSums];
  for_each_part(weights, product, num_rows, column_begin, column_end, [&](const Part& part) {
    for (int leaf = 0; leaf < plan.num_leaves; leaf++) {
      if (plan.leaf_begin[leaf] == plan.leaf_begin[leaf + 1]) continue;
      product.run(part.panel, part.num_panels, plan.leaf_begin[leaf], plan.leaf_begin[leaf + 1], part.row, part.num_rows, sums);
      add_rows_to(part, sums, row_of, factor, y_leaves[leaf], ldy);
    }
  });
}

void add_tree(const float* const* leaves, int num_leaves, float* y_root, size_t count) {
  assert(num_leaves == 1 || num_leaves == 2 || num_leaves == 4 || num_leaves == 8);
  for (size_t i = 0; i < count; i++) {
    float sums[kNumVirtualShards];
    for (int leaf = 0; leaf < num_leaves; leaf++) sums[leaf] = leaves[leaf][i];
    for (int width = num_leaves; width > 1; width /= 2) {
      for (int n = 0; n < width / 2; n++) sums[n] = sums[2 * n] + sums[2 * n + 1];
    }
    y_root[i] = sums[0];
  }
}

void matmul_scatter(const PackedMatrix& weights, const Activations& x, size_t num_rows, const int32_t* row_of, const float* factor,
                    float* y, size_t ldy, size_t column_begin, size_t column_end) {
  const PanelProduct product(weights, x);
  alignas(64) float sums[kMaxSums];
  for_each_part(weights, product, num_rows, column_begin, column_end, [&](const Part& part) {
    product.run(part.panel, part.num_panels, 0, weights.num_inputs(), part.row, part.num_rows, sums);
    add_rows_to(part, sums, row_of, factor, y, ldy);
  });
}

void gather_rows(const Activations& x, const int32_t* row_of, size_t num_rows, size_t num_columns, QuantBlock* out_blocks,
                 float* out_values, size_t ld_out) {
  for (size_t r = 0; r < num_rows; r++) {
    const size_t row = static_cast<size_t>(row_of[r]);
    if (x.blocks != nullptr) {
      std::memcpy(out_blocks + r * ld_out, x.blocks + row * x.stride, quant_blocks(num_columns) * sizeof(QuantBlock));
    } else {
      std::memcpy(out_values + r * ld_out, x.values + row * x.stride, num_columns * sizeof(float));
    }
  }
}

}  // namespace tandem
