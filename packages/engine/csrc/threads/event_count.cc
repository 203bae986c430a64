#include "threads/event_count.h"

#include <algorithm>
#include <ctime>
#include <thread>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace tandem {

namespace {

// A bound on one sleep, so that a peer that scribbles over shared words delays us and no more.
constexpr std::chrono::milliseconds kMaxSleep{500};

#if defined(__linux__)
void sleep_on(std::atomic<uint32_t>* word, uint32_t seen, std::chrono::nanoseconds span) {
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(span.count() / 1'000'000'000);
  timeout.tv_nsec = static_cast<long>(span.count() % 1'000'000'000);
  ::syscall(SYS_futex, word, FUTEX_WAIT, seen, &timeout, nullptr, 0);
}

void wake(std::atomic<uint32_t>* word, int count) { ::syscall(SYS_futex, word, FUTEX_WAKE, count, nullptr, nullptr, 0); }
#else
// Only threads of one process wait here: no connector but the ones in TypeScript is built on these systems.
void sleep_on(std::atomic<uint32_t>* word, uint32_t seen, std::chrono::nanoseconds) { word->wait(seen); }
void wake(std::atomic<uint32_t>* word, int) { word->notify_all(); }
#endif

}  // namespace

void EventCount::ring(int max_wakes) {
  // Orders the caller's publication before the look at the sleepers; pairs with the fence in announce.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (words_->num_sleepers.load(std::memory_order_relaxed) == 0) return;
  words_->sequence.fetch_add(1, std::memory_order_release);
  wake(&words_->sequence, max_wakes);
}

uint32_t EventCount::announce() {
  const uint32_t seen = words_->sequence.load(std::memory_order_acquire);
  words_->num_sleepers.fetch_add(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return seen;
}

void EventCount::retract() { words_->num_sleepers.fetch_sub(1, std::memory_order_relaxed); }

bool EventCount::sleep(uint32_t seen, SteadyTime deadline) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= deadline) return false;
  sleep_on(&words_->sequence, seen, std::min<std::chrono::nanoseconds>(deadline - now, kMaxSleep));
  return std::chrono::steady_clock::now() < deadline;
}

}  // namespace tandem
