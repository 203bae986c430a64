// Owns having pages before they are written: a thread takes them from the kernel some way ahead of their use. The first write to a huge page
// costs 0.1 to 5 ms (in a virtual machine its host finds memory too), and all layers of a KV cache would pay it in the same step.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>

namespace tandem {

/** `num_strips` arrays of `num_items` items, one behind the other; item i of every strip is first used at the same time. */
struct Strips {
  uint8_t* data;
  size_t num_strips, num_items, item_bytes;
};

class PageAhead {
 public:
  /** Begins with the first `ahead_bytes`. `strips.data` at a page boundary; it has to outlive this. */
  PageAhead(const Strips& strips, size_t ahead_bytes);
  ~PageAhead();
  PageAhead(const PageAhead&) = delete;
  PageAhead& operator=(const PageAhead&) = delete;

  /** Items below `num_items` are or will soon be in use. One thread; a lock only when there is something to do. */
  void expect(size_t num_items);

 private:
  void run();
  bool populate(size_t begin, size_t end);

  const Strips strips_;
  const size_t ahead_items_;
  size_t num_expected_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t wanted_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tandem
