#include "threads/page_ahead.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14
#endif

namespace tandem {

namespace {

constexpr size_t kPageBytes = 4096;
// Of one strip at a time: a step that faults in the same range waits no longer than for this.
constexpr size_t kSliceBytes = 2 << 20;

}  // namespace

PageAhead::PageAhead(const Strips& strips, size_t ahead_bytes)
    : strips_(strips),
      ahead_items_(std::max<size_t>(1, ahead_bytes / (strips.num_strips * strips.item_bytes))),
      wanted_(std::min(strips.num_items, ahead_items_)),
      thread_([this] { run(); }) {}

PageAhead::~PageAhead() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void PageAhead::expect(size_t num_items) {
  // In strides of a quarter of the way, so that most calls end here.
  if (num_items <= num_expected_) return;
  num_expected_ = num_items + ahead_items_ / 4;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    wanted_ = std::max(wanted_, std::min(strips_.num_items, num_expected_ + ahead_items_));
  }
  changed_.notify_one();
}

void PageAhead::run() {
  ::pthread_setname_np(::pthread_self(), "tandem-pages");
  const size_t slice_items = std::max<size_t>(1, kSliceBytes / strips_.item_bytes);
  size_t num_done = 0;
  while (num_done < strips_.num_items) {
    size_t end = 0;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || wanted_ > num_done; });
      if (stopping_) return;
      end = std::min(wanted_, num_done + slice_items);
    }
    // An old kernel, or no memory: the first use of a page brings it, as it would without us.
    if (!populate(num_done, end)) return;
    num_done = end;
  }
}

bool PageAhead::populate(size_t begin, size_t end) {
  for (size_t strip = 0; strip < strips_.num_strips; strip++) {
    const size_t first = (strip * strips_.num_items + begin) * strips_.item_bytes / kPageBytes * kPageBytes;
    const size_t last = (strip * strips_.num_items + end) * strips_.item_bytes;
    if (::madvise(strips_.data + first, last - first, MADV_POPULATE_WRITE) != 0) return false;
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return false;
  }
  return true;
}

}  // namespace tandem
