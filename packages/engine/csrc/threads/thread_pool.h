// Owns the compute threads of one engine. A parallel_for wakes them, the caller works too, and returns when all is
// done. Workers look for the next call for a moment, then sleep: an idle pool costs nothing and two processes on the same
// cores do not starve each other. Must not know what it runs.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

#include "threads/event_count.h"

namespace tandem {

/**
 * Whether threads are bound to cores. Two engines on one machine alternate, within less time than the kernel needs to
 * see an imbalance: it may leave both threads of one engine on one core and never move them. Binding thread i of every
 * pool to core i keeps a whole engine's work spread over all cores. `automatic` binds when a pool has a thread for every core
 * of the affinity mask; a smaller pool leaves its placement to the kernel, as pools would otherwise crowd on the first cores.
 */
enum class Pinning { automatic, never, always };

/** Of a large pool's sleeping workers the first few, woken ahead of a call, start on it; the call wakes the others. */
constexpr int kCrewWakes = 7;

struct ThreadPoolOptions {
  /** Threads that work, the caller included; 0 is available_cores(). At most 128. */
  int num_threads = 0;
  Pinning pinning = Pinning::never;
  /** How long a worker looks for the next call before it sleeps, in microseconds. Negative: 50 for a bound pool, else 200. */
  int spin_us = -1;
  /** Where workers sleep, so that somebody else may wake them ahead of a call; nullptr: words of the pool's own. */
  EventWords* parking = nullptr;
};

/** Cores this process may use: the affinity mask, cut by the cgroup's CPU quota (v1 and v2), at least 1. */
int available_cores();

class ThreadPool {
 public:
  explicit ThreadPool(const ThreadPoolOptions& options = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const;

  /** Binds the calling thread, the one that will call parallel_for, as thread 0; does nothing when the pool does not bind. */
  void bind_caller();

  /**
   * Calls body(begin, end, thread_idx) on disjoint ranges that cover [0, count), each a multiple of `grain` long but the last.
   * Ranges are handed out dynamically, but each thread begins with those it began with in the last call of that count: what they
   * touch is in its caches. thread_idx is 0..num_threads()-1, the caller is 0. One caller at a time; not reentrant. Body must not throw.
   * A worker that wakes too late takes no part, and nobody waits for it.
   */
  template <typename Body>
  void parallel_for(size_t count, size_t grain, Body&& body) {
    using Decayed = std::remove_reference_t<Body>;
    run(count, grain, [](void* context, size_t begin, size_t end, int thread_idx) {
      (*static_cast<Decayed*>(context))(begin, end, thread_idx);
    }, const_cast<void*>(static_cast<const void*>(&body)));
  }

  /** Whether threads are bound to cores. */
  bool is_bound() const;

  /** Until the next call workers leave their cores to others at once: the caller is about to wait for somebody who needs them. */
  void hand_over();

  /**
   * The same, and the first worker to leave wakes those who sleep on `heir`, on its own core: a wake-up from the caller's core takes several
   * times as long. The caller does when all sleep already. `heir` has to live until `disinherit` or the destructor.
   */
  void hand_over_to(EventWords* heir);
  /** Returns when no worker will look at the heir any more. */
  void disinherit();

 private:
  using Call = void (*)(void* context, size_t begin, size_t end, int thread_idx);
  void run(size_t count, size_t grain, Call call, void* context);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem
