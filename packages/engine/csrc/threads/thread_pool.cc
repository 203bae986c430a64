#include "threads/thread_pool.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "threads/event_count.h"

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif
namespace tandem {
namespace {

constexpr int kMaxThreads = 128;
/**
 * How long a thread looks for the next call, or the caller for its workers, before it sleeps: longer than what lies between two
 * products of a layer, and where the pool leaves cores to others also longer than a layer of the other side.
 * Never sched_yield: since Linux 6.18 it gives up a whole time slice, and every process that wants the core overtakes.
 */
constexpr std::chrono::microseconds kBoundSpin{50}, kUnboundSpin{200};

/** Longer than waking somebody takes, shorter than anybody's work. */
constexpr std::chrono::microseconds kShortestTurn{10};

/** Cores to bind to, thread i to the i-th; empty when threads stay where the kernel puts them. */
std::vector<int> cores_to_bind(Pinning pinning, int num_threads) {
  std::vector<int> cores;
#if defined(__linux__)
  cpu_set_t mask;
  if (pinning == Pinning::never || sched_getaffinity(0, sizeof mask, &mask) != 0) return cores;
  if (pinning == Pinning::automatic && num_threads != CPU_COUNT(&mask)) return cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &mask)) cores.push_back(cpu);
  }
#endif
  return cores;
}

void bind_to_core(std::thread::native_handle_type thread, const std::vector<int>& cores, int thread_idx) {
#if defined(__linux__)
  if (cores.empty()) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cores[static_cast<size_t>(thread_idx) % cores.size()], &one);
  pthread_setaffinity_np(thread, sizeof one, &one);
#endif
}

/** The gate: how many workers are inside the current job, and whether more may enter. */
constexpr uint32_t kOpen = 1u << 16;

/** Threads beyond share segments. */
constexpr size_t kMaxSegments = 8;
struct alignas(64) Segment {
  std::atomic<size_t> num_taken{0};
};

}  // namespace

struct ThreadPool::State {
  // Written by the caller while the gate is shut and empty, read by workers inside it.
  Call call = nullptr;
  void* context = nullptr;
  size_t count = 0, chunk = 0;
  /** First chunk of every segment; a thread begins with the chunks of its own segment, then helps with the others'. */
  std::array<size_t, kMaxSegments + 1> segment_begin{};
  size_t num_segments = 1;

  std::array<Segment, kMaxSegments> segments;
  alignas(64) std::atomic<uint32_t> gate{0};
  /** Job number. */
  alignas(64) std::atomic<uint32_t> signal{0};
  std::atomic<uint32_t> num_asleep{0};
  std::atomic<bool> handed_over{false};
  std::atomic<EventWords*> heir{nullptr};
  std::atomic<int> num_passing_on{0};
  std::atomic<bool> stopping{false};
  std::chrono::microseconds spin{0};
  EventWords own_parking{}, emptied{};
  /** Where workers sleep, and where the caller does when they are late. */
  EventCount parking{&own_parking}, gate_emptied{&emptied};
  std::vector<std::thread> workers;
  std::vector<int> cores;

  void work(int thread_idx) {
    const size_t home = static_cast<size_t>(thread_idx) % num_segments;
    for (size_t i = 0; i < num_segments; i++) {
      const size_t idx = home + i < num_segments ? home + i : home + i - num_segments;
      while (true) {
        const size_t chunk_idx = segment_begin[idx] + segments[idx].num_taken.fetch_add(1, std::memory_order_relaxed);
        if (chunk_idx >= segment_begin[idx + 1]) break;
        call(context, chunk_idx * chunk, std::min((chunk_idx + 1) * chunk, count), thread_idx);
      }
    }
  }

  /** Cuts the chunks into segments. While the gate is shut and empty. */
  void lay_out() {
    const size_t num_chunks = (count + chunk - 1) / chunk;
    num_segments = std::min(workers.size() + 1, kMaxSegments);
    for (size_t i = 0; i < num_segments; i++) {
      segment_begin[i + 1] = (i + 1) * num_chunks / num_segments;
      segments[i].num_taken.store(0, std::memory_order_relaxed);
    }
  }

  /** A worker that is late finds the gate shut and does not touch the job. */
  bool enter() {
    uint32_t seen = gate.load(std::memory_order_relaxed);
    while (seen & kOpen) {
      if (gate.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
    }
    return false;
  }

  void loop(int thread_idx) {
    uint32_t seen = 0;
    while (true) {
      await_signal(seen);
      if (stopping.load(std::memory_order_acquire)) return;
      seen = signal.load(std::memory_order_acquire);
      if (!enter()) continue;
      work(thread_idx);
      if (gate.fetch_sub(1, std::memory_order_release) == 1) gate_emptied.ring(1);
    }
  }

  void await_signal(uint32_t seen) {
    const auto rung = [&] { return signal.load(std::memory_order_acquire) != seen; };
    bool is_woken = false;
    while (true) {
      const auto enough = [&] { return rung() || (!is_woken && handed_over.load(std::memory_order_relaxed)); };
      spin_until(enough, spin);
      if (rung()) return;
      num_asleep.fetch_add(1);
      if (!pass_on()) parking.wait_once(rung);
      num_asleep.fetch_sub(1);
      // Whoever woke us has work for the pool any moment, even while it says to hand over.
      is_woken = true;
    }
  }

  /**
   * Whoever takes the heir wakes it. True when the heir has had its turn already: on our core it runs at once, before we can sleep, and we
   * come back when it sleeps.
   */
  bool pass_on() {
    if (heir.load() == nullptr) return false;
    num_passing_on.fetch_add(1);
    EventWords* words = heir.exchange(nullptr);
    const SteadyTime start = std::chrono::steady_clock::now();
    if (words != nullptr) EventCount(words).ring(kCrewWakes);
    num_passing_on.fetch_sub(1);
    return std::chrono::steady_clock::now() - start > kShortestTurn;
  }

  void ring(size_t wanted) {
    signal.fetch_add(1);
    if (num_asleep.load() > 0) parking.ring(static_cast<int>(wanted));
  }

  void await_workers() {
    const auto empty = [this] { return gate.load(std::memory_order_acquire) == 0; };
    if (!spin_until(empty, spin)) gate_emptied.wait(empty, [] { return SteadyTime::max(); });
  }
};

ThreadPool::ThreadPool(const ThreadPoolOptions& options) : state_(std::make_unique<State>()) {
  const int wanted = options.num_threads > 0 ? options.num_threads : available_cores();
  const int num_threads = std::min(wanted, kMaxThreads);
  state_->cores = cores_to_bind(options.pinning, num_threads);
  if (options.spin_us >= 0) state_->spin = std::chrono::microseconds(options.spin_us);
  else state_->spin = is_bound() ? kBoundSpin : kUnboundSpin;
  if (options.parking != nullptr) state_->parking = EventCount(options.parking);
  for (int idx = 1; idx < num_threads; idx++) {
    state_->workers.emplace_back([state = state_.get(), idx] { state->loop(idx); });
    bind_to_core(state_->workers.back().native_handle(), state_->cores, idx);
  }
}

ThreadPool::~ThreadPool() {
  state_->stopping.store(true, std::memory_order_release);
  state_->ring(state_->workers.size());
  for (std::thread& worker : state_->workers) worker.join();
}

void ThreadPool::bind_caller() {
#if defined(__linux__)
  bind_to_core(pthread_self(), state_->cores, 0);
#endif
}

int ThreadPool::num_threads() const { return static_cast<int>(state_->workers.size()) + 1; }

bool ThreadPool::is_bound() const { return !state_->cores.empty(); }

void ThreadPool::hand_over() { state_->handed_over.store(true, std::memory_order_relaxed); }

void ThreadPool::hand_over_to(EventWords* heir) {
  State& state = *state_;
  state.heir.store(heir);
  hand_over();
  // A worker that is still awake sees the heir before it sleeps: it counts itself first, we look second.
  if (state.num_asleep.load() == state.workers.size()) state.pass_on();
}

void ThreadPool::disinherit() {
  state_->heir.store(nullptr);
  while (state_->num_passing_on.load() != 0) spin_pause();
}

void ThreadPool::run(size_t count, size_t grain, Call call, void* context) {
  if (count == 0) return;
  grain = std::max<size_t>(grain, 1);
  const size_t num_grains = (count + grain - 1) / grain, threads = static_cast<size_t>(num_threads());
  if (threads == 1 || num_grains == 1) {
    call(context, 0, count, 0);
    return;
  }
  State& state = *state_;
  // Up to eight chunks a thread: an uneven machine (a core shared with another process) still ends together.
  state.chunk = std::max<size_t>(1, num_grains / (threads * 8)) * grain;
  state.count = count;
  state.call = call;
  state.context = context;
  state.lay_out();
  if (state.handed_over.load(std::memory_order_relaxed)) {
    state.handed_over.store(false, std::memory_order_relaxed);
    state.heir.store(nullptr, std::memory_order_relaxed);
  }
  state.gate.store(kOpen, std::memory_order_release);
  state.ring(std::min(threads, num_grains) - 1);
  state.work(0);
  state.gate.fetch_and(~kOpen, std::memory_order_relaxed);
  state.await_workers();
}

}  // namespace tandem
