// Owns how an engine thread waits for work and how producers, in this process or another one, wake it.
// Event counts in a shared page: `ring` after publishing, `wait` with a predicate that polls.
//
// Waking a thread on the core one runs on costs about 2 us, waking an idle core 10-40 us in virtual machines. So where two
// engines share cores a waiter hands its core over at once, and the crew (the pool's workers) wakes together with the engine
// thread: each core goes straight from one engine to the other. The ring wakes the crew, or the ringing engine's own workers do
// as they leave (engine/hand_over.h). Elsewhere a waiter looks for a while first.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "connector/file_descriptor.h"
#include "threads/event_count.h"

namespace tandem {

struct DoorbellWords {
  EventWords engine;
  EventWords crew;
};

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
  // Where the workers of the engine's pool sleep.
  EventWords* crew() { return &words_->crew; }
  // Wakes the waiter and its crew, with a system call only when they sleep.
  void ring();
  // The next ring leaves the crew to somebody else. For a doorbell that one thread rings.
  void leave_crew_once() { leaves_crew_ = true; }

  // The engine's threads fill the cores they may use.
  void fill_cores() { fills_cores_ = true; }
  // A peer that rings runs on this machine.
  void meet_local_peer() { has_local_peer_.store(true, std::memory_order_relaxed); }

  // The awake part of waiting: true as soon as `ready()`, false when it is time to sleep.
  template <typename Ready>
  bool wait_awake(Ready&& ready) {
    if (!fills_cores_) return spin_until(ready, kSpin);
    // Whoever is to answer needs this core.
    if (has_local_peer_.load(std::memory_order_relaxed)) return ready();
    return spin_until(ready, kRemoteSpin);
  }

  // Sleeps until `ready()` or `deadline()`, which `ready` may move; returns what `ready` said last. One waiter per doorbell.
  template <typename Ready, typename Deadline>
  bool wait_asleep(Ready&& ready, Deadline&& deadline) {
    return EventCount(&words_->engine).wait(ready, deadline);
  }

  template <typename Ready>
  void wait(Ready&& ready) {
    if (!wait_awake(ready)) wait_asleep(ready, [] { return SteadyTime::max(); });
  }

 private:
  // Longer than a layer's FFN on the smallest shipped topology, far shorter than a human notices.
  static constexpr std::chrono::microseconds kSpin{400};
  // No core is to spare, nobody who answers needs this one.
  static constexpr std::chrono::microseconds kRemoteSpin{50};

  void map();

  FileDescriptor fd_;
  DoorbellWords* words_ = nullptr;
  bool fills_cores_ = false;
  bool leaves_crew_ = false;
  std::atomic<bool> has_local_peer_{false};
};

}  // namespace tandem
