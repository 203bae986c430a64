#include "engine/kv_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "model/engine_error.h"
#include "threads/memory_nodes.h"

namespace tandem {

namespace {

// What a few dozen conversations of a small model take: paid for while the worker loads.
constexpr size_t kAheadBytes = 192 << 20;

// First number of a file; the largest there is when it says "max" or is not there.
uint64_t read_number(const char* path) {
  std::ifstream file(path);
  uint64_t value = 0;
  return file >> value ? value : std::numeric_limits<uint64_t>::max();
}

uint64_t mem_available() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  uint64_t kilobytes = 0;
  while (file >> key >> kilobytes) {
    std::getline(file, unit);
    if (key == "MemAvailable:") return kilobytes * 1024;
  }
  return std::numeric_limits<uint64_t>::max();
}

}  // namespace

uint64_t available_memory_bytes() {
  uint64_t available = mem_available();
  const uint64_t limit = std::min(read_number("/sys/fs/cgroup/memory.max"),
                                  read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
  const uint64_t used = std::min(read_number("/sys/fs/cgroup/memory.current"),
                                 read_number("/sys/fs/cgroup/memory/memory.usage_in_bytes"));
  if (limit != std::numeric_limits<uint64_t>::max() && used < limit) available = std::min(available, limit - used);
  return available;
}

KvPool::KvPool(const KvLayout& layout, size_t num_layers, size_t num_blocks)
    : layout_(layout),
      num_blocks_(num_blocks),
      layer_bytes_(num_blocks * layout.block_bytes()),
      num_bytes_(layer_bytes_ * num_layers) {
  const uint64_t available = available_memory_bytes();
  void* mapped = num_bytes_ > available
                     ? MAP_FAILED
                     : ::mmap(nullptr, num_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    throw EngineError("kv_pool_too_large", {{"bytes", static_cast<double>(num_bytes_)},
                                            {"numBlocks", static_cast<double>(num_blocks)},
                                            {"availableBytes", static_cast<double>(available)}});
  }
  ::madvise(mapped, num_bytes_, MADV_HUGEPAGE);
  place_memory(mapped, num_bytes_);
  data_ = static_cast<uint8_t*>(mapped);
  page_ahead_ = std::make_unique<PageAhead>(Strips{data_, num_layers, num_blocks, layout.block_bytes()}, kAheadBytes);
}

KvPool::~KvPool() {
  page_ahead_.reset();
  if (data_ != nullptr) ::munmap(data_, num_bytes_);
}

}  // namespace tandem
