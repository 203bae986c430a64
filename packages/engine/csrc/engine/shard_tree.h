// Owns the native mirror of packages/core/src/virtual-shards.ts: which leaves a node of the tree covers, which nodes
// cover a range of leaves, and the units dealt to a leaf.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/matmul.h"

namespace tandem {

struct LeafRange {
  int start = 0, end = 0;
  int size() const { return end - start; }
  bool operator==(const LeafRange&) const = default;
};

struct SubtreeRoot {
  int node = 0;
  LeafRange leaves;
};

// Maximal complete subtrees that cover the range, left to right.
inline void collect_roots(int node, LeafRange under, LeafRange range, std::vector<SubtreeRoot>* roots) {
  if (range.start <= under.start && under.end <= range.end) {
    roots->push_back({node, under});
    return;
  }
  if (under.end <= range.start || under.start >= range.end || under.size() == 1) return;
  const int middle = (under.start + under.end) / 2;
  collect_roots(node * 2, {under.start, middle}, range, roots);
  collect_roots(node * 2 + 1, {middle, under.end}, range, roots);
}

inline std::vector<SubtreeRoot> subtree_roots(LeafRange range) {
  std::vector<SubtreeRoot> roots;
  collect_roots(1, {0, kNumVirtualShards}, range, &roots);
  return roots;
}

// Units [start, end) of a leaf when `num_units` things are dealt in order.
inline LeafRange units_of_leaf(size_t num_units, int leaf) {
  return {static_cast<int>(leaf * num_units / kNumVirtualShards),
          static_cast<int>((leaf + 1) * num_units / kNumVirtualShards)};
}

}  // namespace tandem
