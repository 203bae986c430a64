// Owns 64-byte aligned memory for one frame, shared with writes that are still under way.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace tandem {

class FrameBuffer {
 public:
  // Memory for `bytes`; a block that a pending write still reads is left to it.
  std::byte* reserve(size_t bytes) {
    if (bytes <= capacity_ && memory_.use_count() == 1) return memory_.get();
    capacity_ = (bytes + 4095) / 4096 * 4096;
    void* fresh = std::aligned_alloc(64, capacity_);
    if (fresh == nullptr) throw std::bad_alloc();
    memory_ = std::shared_ptr<std::byte>(static_cast<std::byte*>(fresh), [](std::byte* block) { std::free(block); });
    return memory_.get();
  }
  std::byte* data() const { return memory_.get(); }
  std::shared_ptr<const void> keep() const { return memory_; }

 private:
  std::shared_ptr<std::byte> memory_;
  size_t capacity_ = 0;
};

}  // namespace tandem
