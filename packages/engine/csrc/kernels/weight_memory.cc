#include "kernels/weight_memory.h"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "threads/memory_nodes.h"

namespace tandem {
namespace {

constexpr size_t kLargePage = size_t{2} << 20;
constexpr size_t kChunkBytes = 8 * kLargePage;

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

/** `num_bytes` (whole large pages) at a large-page boundary. */
std::shared_ptr<uint8_t> map_chunk(size_t num_bytes) {
#if defined(__linux__)
  const size_t mapped = num_bytes + kLargePage;
  void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  auto* aligned = reinterpret_cast<uint8_t*>(round_up(reinterpret_cast<uintptr_t>(memory), kLargePage));
  // Advice only: without large pages the same memory works, slower.
  madvise(aligned, num_bytes, MADV_HUGEPAGE);
  place_memory(aligned, num_bytes);
  return {aligned, [memory, mapped](uint8_t*) { munmap(memory, mapped); }};
#else
  auto* memory = static_cast<uint8_t*>(std::aligned_alloc(64, num_bytes));
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(memory, 0, num_bytes);
  return {memory, [](uint8_t* p) { std::free(p); }};
#endif
}

/** The chunk that small matrices are cut from at the moment. */
struct OpenChunk {
  std::mutex mutex;
  std::weak_ptr<uint8_t> memory;
  size_t used = 0;
};

OpenChunk& open_chunk() {
  static OpenChunk instance;
  return instance;
}

}  // namespace

std::shared_ptr<uint8_t> allocate_weights(size_t num_bytes) {
  const size_t wanted = round_up(num_bytes, 64);
  if (wanted > kChunkBytes / 4) return map_chunk(round_up(wanted, kLargePage));
  OpenChunk& open = open_chunk();
  const std::lock_guard<std::mutex> lock(open.mutex);
  std::shared_ptr<uint8_t> chunk = open.memory.lock();
  if (chunk == nullptr || open.used + wanted > kChunkBytes) {
    chunk = map_chunk(kChunkBytes);
    open.memory = chunk;
    open.used = 0;
  }
  uint8_t* place = chunk.get() + open.used;
  open.used += wanted;
  return {std::move(chunk), place};
}

}  // namespace tandem
