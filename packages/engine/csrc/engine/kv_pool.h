// Owns the memory of the paged KV cache: num_layers x num_blocks blocks. Blocks are handed out elsewhere (the
// scheduler's block manager); those far beyond the highest one used cost no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/attention.h"
#include "threads/page_ahead.h"

namespace tandem {

class KvPool {
 public:
  // Throws EngineError kv_pool_too_large (with the sizes) when the machine cannot hold it.
  KvPool(const KvLayout& layout, size_t num_layers, size_t num_blocks);
  ~KvPool();
  KvPool(const KvPool&) = delete;
  KvPool& operator=(const KvPool&) = delete;

  const KvLayout& layout() const { return layout_; }
  uint8_t* layer(size_t layer_idx) const { return data_ + layer_idx * layer_bytes_; }
  size_t num_blocks() const { return num_blocks_; }
  size_t num_bytes() const { return num_bytes_; }
  // Blocks below `num_blocks` are about to be used.
  void expect_blocks(size_t num_blocks) { page_ahead_->expect(num_blocks); }

 private:
  KvLayout layout_;
  size_t num_blocks_, layer_bytes_, num_bytes_;
  uint8_t* data_ = nullptr;
  std::unique_ptr<PageAhead> page_ahead_;
};

// What this process could still take: MemAvailable, cut by the cgroup's limit.
uint64_t available_memory_bytes();

}  // namespace tandem
