// The thread pool: every index exactly once, in ranges of whole grains, also with more threads than cores and two pools at once.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "test/self_test/self_test.h"
#include "threads/thread_pool.h"

namespace tandem::self_test {
namespace {

void check_coverage(ThreadPool& pool, size_t count, size_t grain) {
  // Plain memory on purpose: two threads in one range, or a result read too early, are data races a sanitizer reports.
  std::vector<int> seen(count);
  std::atomic<int> bad{0};
  pool.parallel_for(count, grain, [&](size_t begin, size_t end, int thread) {
    if (thread < 0 || thread >= pool.num_threads() || begin % grain != 0 || (end % grain != 0 && end != count)) bad++;
    for (size_t i = begin; i < end; i++) seen[i]++;
  });
  CHECK(bad == 0);
  CHECK(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
}

void hammer(int num_threads, int spin_us) {
  ThreadPool pool({num_threads, num_threads == 3 ? Pinning::always : Pinning::never, spin_us});
  CHECK(pool.num_threads() == num_threads);
  for (size_t i = 0; i < 300; i++) {
    if (i % 3 == 0) pool.hand_over();
    check_coverage(pool, i * 7 % 1000, 1 + i % 17);
  }
}

/** Two pools take turns, and each wakes the other's workers as it leaves: whoever it has to, nobody is forgotten. */
void inherit(int num_threads, int spin_us) {
  EventWords words{};
  ThreadPool heir({num_threads, Pinning::never, spin_us, &words});
  ThreadPool pool({num_threads, Pinning::never, spin_us});
  for (size_t i = 0; i < 300; i++) {
    check_coverage(pool, 64, 1);
    pool.hand_over_to(&words);
    if (i % 3 == 0) pool.disinherit();
    check_coverage(heir, 64, 1);
    heir.hand_over();
  }
  pool.disinherit();

  // A sleeper that is no worker, rung by a worker that leaves or, when all sleep, by the caller.
  EventWords bed{};
  for (const bool workers_sleep : {false, true}) {
    if (workers_sleep) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    else check_coverage(pool, 64, 1);
    std::atomic<bool> may_leave{false};
    std::thread sleeper([&] { EventCount(&bed).wait([&] { return may_leave.load(); }, [] { return SteadyTime::max(); }); });
    while (bed.num_sleepers.load() == 0) std::this_thread::yield();
    const uint32_t before = bed.sequence.load();
    pool.hand_over_to(&bed);
    // As long as a machine that is busy with something else may need.
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (bed.sequence.load() == before && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    CHECK(bed.sequence.load() == before + 1);
    may_leave = true;
    sleeper.join();
  }
}

}  // namespace

void test_thread_pool() {
  CHECK(available_cores() >= 1);
  for (const int num_threads : {1, 2, 3, 8, 11}) {
    for (const int spin_us : {0, 200}) hammer(num_threads, spin_us);
  }
  for (const int num_threads : {1, 2, 5}) {
    for (const int spin_us : {0, 200}) inherit(num_threads, spin_us);
  }
  std::thread other([] { hammer(4, 20); });
  hammer(4, 20);
  other.join();
}

}  // namespace tandem::self_test
