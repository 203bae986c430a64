// Owns which caches are attended to in AMX tiles, and where that is done.
#pragma once

#include "kernels/kernel_table.h"

namespace tandem {

using AttentionRunFn = decltype(KernelTable::attention_run);
/** Null when the compiler does not know the instructions. */
extern const AttentionRunFn kAmxBf16AttentionRun;

/** Elements of a value at most. */
constexpr size_t kMaxTileDim = 512;

constexpr bool attends_in_tiles(const KvLayout& layout) {
  return layout.dtype == KvDtype::bf16 && !layout.mla && layout.value_dim <= kMaxTileDim;
}

}  // namespace tandem
