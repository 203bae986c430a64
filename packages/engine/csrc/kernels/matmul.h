// Owns matrix products of activations with packed weights. y[r][c] is computed by the same instruction sequence
// whatever num_rows, the column range and the thread: same bits alone and in any batch.
// For quantised weights the bits are also equal on every instruction set but amx_bf16. No allocation, no threads in here:
// callers split columns at multiples of kPanel (16).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/activations.h"
#include "kernels/packed_matrix.h"

namespace tandem {

/** y[r][c] = sum_k x[r][k] * w[c][k] for r < num_rows, column_begin <= c < column_end; y is [num_rows, num_outputs], ldy
 *  floats apart. `accumulate` adds the finished sum to what y holds (a residual). */
struct MatmulOutput {
  float* y = nullptr;
  size_t ldy = 0;
  bool accumulate = false;
  /** [num_outputs], added to the sum first; may be null. */
  const float* bias = nullptr;
};

/** Largest weight of a quantised matrix that this machine's products take; infinite but for one path. */
float weight_limit();

/** Column ranges of a product with that many rows are best split at multiples of so many panels: what a kernel of this machine takes
 *  together; with a few rows most take single ones, and finer ranges spread better over threads. */
size_t split_group(const PackedMatrix& weights, size_t num_rows);

void matmul(const PackedMatrix& weights, const Activations& x, size_t num_rows, const MatmulOutput& output,
            size_t column_begin, size_t column_end);

constexpr int kNumVirtualShards = 8;

/**
 * Cut of a packed matrix's inner dimension into consecutive leaves of the virtual-shard tree, and the subtree
 * roots a worker sends. Filled from packages/core/src/virtual-shards.ts's rules by `make_tree_plan`.
 */
struct TreePlan {
  /** Leaves [first_leaf, first_leaf + num_leaves) of the layer are in the matrix. */
  int first_leaf = 0, num_leaves = 0;
  /** Leaf i holds inputs [leaf_begin[i], leaf_begin[i + 1]) relative to the matrix; may be empty. */
  size_t leaf_begin[kNumVirtualShards + 1] = {};
  int num_roots = 0;
  /** Root j sums local leaves [root_leaf[j], root_leaf[j + 1]). */
  int root_leaf[kNumVirtualShards + 1] = {};
};

/**
 * Leaves [first_leaf, end_leaf) of an intermediate dimension cut in units of `unit_size` (block_elements of the down
 * projection's dtype, 128 for f8_e4m3, else 4). The matrix holds exactly inputs [input_begin, input_end) that it reports.
 */
TreePlan make_tree_plan(size_t intermediate_size, size_t unit_size, int first_leaf, int end_leaf,
                        size_t* input_begin, size_t* input_end);

/** Whether all leaves of the dimension end where activation blocks do. If not, float weights must keep float rows, in every range of leaves. */
bool leaves_are_blocks(size_t intermediate_size, size_t unit_size);

/**
 * Down projection: y_roots[j][r][c] = the fixed-tree sum (left + right) of the per-leaf sums under root j, each leaf summed on
 * its own from zero. Empty leaves are zero vectors and are added. Any cut into workers gives the same bits.
 */
void matmul_tree(const PackedMatrix& weights, const TreePlan& plan, const Activations& x, size_t num_rows,
                 float* const* y_roots, size_t ldy, size_t column_begin, size_t column_end);

/**
 * Per-leaf sums for experts cut by intermediate slices: y_leaves[i][row_of ? row_of[r] : r][c] += factor[r] * leaf sum.
 * `factor` may be null (1). Rows of `row_of` must be distinct. Finish with add_tree.
 */
void matmul_leaves(const PackedMatrix& weights, const TreePlan& plan, const Activations& x, size_t num_rows,
                   const int32_t* row_of, const float* factor, float* const* y_leaves, size_t ldy, size_t column_begin,
                   size_t column_end);

/** y_root = fixed-tree sum of `num_leaves` (1, 2, 4 or 8) arrays of `count` floats. y_root may be leaves[0]. */
void add_tree(const float* const* leaves, int num_leaves, float* y_root, size_t count);

/**
 * A routed expert's down projection: y[row_of[r]][c] += factor[r] * (x[r] . w[c]). Rows are distinct. Called expert by expert
 * in ascending id, which fixes the order of adds.
 */
void matmul_scatter(const PackedMatrix& weights, const Activations& x, size_t num_rows, const int32_t* row_of,
                    const float* factor, float* y, size_t ldy, size_t column_begin, size_t column_end);

/** Copies rows x[row_of[r]] to out[r]: the gather in front of an expert. */
void gather_rows(const Activations& x, const int32_t* row_of, size_t num_rows, size_t num_columns, QuantBlock* out_blocks,
                 float* out_values, size_t ld_out);

}  // namespace tandem
