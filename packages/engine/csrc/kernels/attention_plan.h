// Owns the sizes both halves of attention agree on: planning (attention.cc) and running (attention_impl.h).
#pragma once

#include "kernels/attention.h"

namespace tandem {

/** Query vectors of one item at most. */
constexpr size_t kItemQueries = 16;
/** Positions of one step of the online softmax; divides kKvPartition. */
constexpr size_t kKvChunk = 128;
static_assert(kKvPartition % kKvChunk == 0, "chunks do not cross partitions");

/** Floats of one query vector's partial: sums, maximum, total, rounded up to whole vectors. */
constexpr size_t partial_floats(const KvLayout& layout) { return layout.value_dim + 16; }

}  // namespace tandem
