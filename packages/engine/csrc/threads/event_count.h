// Owns sleeping until an event: a counter that whoever publishes something bumps, and whoever found nothing sleeps on.
// Its words may lie in memory shared between processes. Must not know what the event is.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace tandem {

using SteadyTime = std::chrono::steady_clock::time_point;

struct EventWords {
  alignas(64) std::atomic<uint32_t> sequence;
  std::atomic<uint32_t> num_sleepers;
};
static_assert(std::atomic<uint32_t>::is_always_lock_free, "shared between processes");

/** Tells the core that this is a spin loop. */
inline void spin_pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/** Polls `ready` for about `span`, without giving up the core; what it said last. */
template <typename Ready>
bool spin_until(Ready&& ready, std::chrono::microseconds span) {
  // A pause lasts 10-50 ns: the clock is read about once a microsecond.
  constexpr int kPausesPerClock = 32;
  const SteadyTime until = std::chrono::steady_clock::now() + span;
  do {
    for (int i = 0; i < kPausesPerClock; i++) {
      if (ready()) return true;
      spin_pause();
    }
  } while (std::chrono::steady_clock::now() < until);
  return ready();
}

/** Does not own `words`. */
class EventCount {
 public:
  explicit EventCount(EventWords* words) : words_(words) {}

  /** Wakes up to `max_wakes` sleepers; a system call only when somebody sleeps. After publishing. */
  void ring(int max_wakes);

  /** Sleeps until `ready()` or `deadline()`, which `ready` may move; returns what `ready` said last. */
  template <typename Ready, typename Deadline>
  bool wait(Ready&& ready, Deadline&& deadline) {
    while (true) {
      const uint32_t seen = announce();
      const bool is_ready = ready();
      const bool in_time = is_ready || sleep(seen, deadline());
      retract();
      if (is_ready) return true;
      if (!in_time) return ready();
    }
  }

  /** Sleeps until the next ring after `unless()` said false, or for no reason. */
  template <typename Unless>
  void wait_once(Unless&& unless) {
    const uint32_t seen = announce();
    if (!unless()) sleep(seen, SteadyTime::max());
    retract();
  }

 private:
  uint32_t announce();
  void retract();
  // false when the deadline passed.
  bool sleep(uint32_t seen, SteadyTime deadline);

  EventWords* words_;
};

}  // namespace tandem
