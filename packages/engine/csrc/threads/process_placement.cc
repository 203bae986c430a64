#include "threads/process_placement.h"

#include <algorithm>
#include <numeric>
#include <thread>

#if defined(__linux__)
#include <dirent.h>
#include <sched.h>

#include <cstdlib>
#endif

#include "threads/memory_nodes.h"

namespace tandem {
namespace {

#if defined(__linux__)
/** The kernel's mask as a list; empty when it does not fit one. */
std::vector<int> affinity_of(pid_t thread_id) {
  std::vector<int> cpus;
  cpu_set_t mask;
  if (::sched_getaffinity(thread_id, sizeof mask, &mask) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &mask)) cpus.push_back(cpu);
  }
  return cpus;
}

bool set_affinity(pid_t thread_id, const std::vector<int>& cpus) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (const int cpu : cpus) {
    if (cpu < CPU_SETSIZE) CPU_SET(cpu, &mask);
  }
  return ::sched_setaffinity(thread_id, sizeof mask, &mask) == 0;
}

/** While it lives, the calling thread runs on some of the CPUs it had. */
class AffinityScope {
 public:
  AffinityScope(const std::vector<int>& before, const std::vector<int>& narrowed)
      : before_(before), changed_(narrowed.size() < before.size() && set_affinity(0, narrowed)) {}
  ~AffinityScope() {
    if (changed_) set_affinity(0, before_);
  }
  AffinityScope(const AffinityScope&) = delete;
  AffinityScope& operator=(const AffinityScope&) = delete;

 private:
  const std::vector<int>& before_;
  const bool changed_;
};

/** A thread that starts or ends meanwhile inherits, or does not matter. */
void move_all_threads(const std::vector<int>& cpus) {
  DIR* tasks = ::opendir("/proc/self/task");
  if (tasks == nullptr) {
    set_affinity(0, cpus);
    return;
  }
  while (const dirent* entry = ::readdir(tasks)) {
    const int thread_id = std::atoi(entry->d_name);
    if (thread_id > 0) set_affinity(thread_id, cpus);
  }
  ::closedir(tasks);
}
#endif

}  // namespace

std::vector<int> thread_affinity() {
#if defined(__linux__)
  if (std::vector<int> cpus = affinity_of(0); !cpus.empty()) return cpus;
#endif
  std::vector<int> all(std::max(std::thread::hardware_concurrency(), 1u));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

void set_thread_affinity(const std::vector<int>& cpus) {
#if defined(__linux__)
  set_affinity(0, cpus);
#endif
}

Topology machine_topology() { return read_topology("", thread_affinity()); }

std::optional<Placement> place_process(const PlacementRequest& request) {
  const Topology topology = machine_topology();
  const std::optional<Placement> placement = place(topology, request);
  if (!placement.has_value()) return placement;
#if defined(__linux__)
  if (placement->cpus.size() < topology.cpus.size()) move_all_threads(placement->cpus);
#endif
  set_memory_nodes(placement->nodes);
  return placement;
}

ThreadPool placed_pool(ThreadPoolOptions options) {
#if defined(__linux__)
  const std::vector<int> before = affinity_of(0);
  if (before.empty()) return ThreadPool(options);
  const Topology topology = read_topology("", before);
  if (options.num_threads <= 0) options.num_threads = default_threads(topology);
  const std::vector<int> cpus = pool_cpus(topology, options.num_threads, options.pinning);
  const AffinityScope scope(before, cpus);
#endif
  return ThreadPool(options);
}

}  // namespace tandem
