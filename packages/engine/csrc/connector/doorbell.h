// Owns how an engine thread waits for work and how producers, in this process or another one, wake it.
// An event count in a shared page: `ring` after publishing, `wait` with a predicate that polls.
//
// Waking an idle core costs 10-40 us in virtual machines, handing a busy core over costs 1-2 us. So a
// waiter first offers its core to whoever is runnable (sched_yield), for a bounded time after its last work, and
// only then sleeps on the futex. With two processes on the same cores that makes a hop a context switch;
// when nothing runs, nobody is awake.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "connector/file_descriptor.h"

namespace tandem {

struct DoorbellWords {
  alignas(64) std::atomic<uint32_t> sequence;
  alignas(64) std::atomic<uint32_t> sleepers;
};
static_assert(std::atomic<uint32_t>::is_always_lock_free, "shared between processes");

using SteadyTime = std::chrono::steady_clock::time_point;

class Doorbell {
 public:
  // A new shared page. Throws std::system_error.
  Doorbell();
  // The page of a peer, from a descriptor it sent. Throws std::runtime_error on one that could shrink under us.
  explicit Doorbell(FileDescriptor fd);
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  int fd() const { return fd_.get(); }
  // Wakes the waiter, with a system call only when it sleeps.
  void ring();

  // The awake part of waiting: true as soon as `ready()`, false when it is time to sleep.
  template <typename Ready>
  bool wait_awake(Ready&& ready) {
    for (int i = 0; i < kPauses; i++) {
      if (ready()) return true;
      pause();
    }
    // The clock is read after every yield: on a busy machine one of them may last a whole time slice, and a sleeper is
    // scheduled sooner than one that keeps yielding.
    const SteadyTime yield_until = std::chrono::steady_clock::now() + kYieldTime;
    do {
      if (ready()) return true;
      yield();
    } while (std::chrono::steady_clock::now() < yield_until);
    return ready();
  }

  // Sleeps until `ready()` or `deadline()`, which `ready` may move; returns what `ready` said last. One waiter per doorbell.
  template <typename Ready, typename Deadline>
  bool wait_asleep(Ready&& ready, Deadline&& deadline) {
    while (true) {
      const uint32_t seen = announce_sleep();
      const bool is_ready = ready();
      const bool in_time = is_ready || sleep(seen, deadline());
      cancel_sleep();
      if (is_ready) return true;
      if (!in_time) return ready();
    }
  }

  template <typename Ready>
  void wait(Ready&& ready) {
    if (!wait_awake(ready)) wait_asleep(ready, [] { return SteadyTime::max(); });
  }

 private:
  // About 1 us: covers an answer that is on its way from another core.
  static constexpr int kPauses = 20;
  // Longer than a layer's FFN on the smallest shipped topology, far shorter than a human notices.
  static constexpr std::chrono::microseconds kYieldTime{400};

  static void pause();
  static void yield();
  uint32_t announce_sleep();
  void cancel_sleep();
  // false when the deadline passed.
  bool sleep(uint32_t seen, SteadyTime deadline);
  void map();

  FileDescriptor fd_;
  DoorbellWords* words_ = nullptr;
};

}  // namespace tandem
