// Placement on this machine and on strange kernel files: lists that are none, and pools constructed under a narrowed affinity.
#include <algorithm>
#include <string>

#if defined(__linux__)
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "test/self_test/self_test.h"
#include "threads/memory_nodes.h"
#include "threads/process_placement.h"

namespace tandem::self_test {
namespace {

void test_strange_lists() {
  const std::string letters = "0123456789-, x\n";
  Random random(9);
  for (int i = 0; i < 20'000; i++) {
    std::string list;
    for (size_t n = random.below(12); n > 0; n--) list += letters[random.below(letters.size())];
    const std::vector<int> numbers = parse_cpu_list(list);
    CHECK(std::is_sorted(numbers.begin(), numbers.end()));
  }
  CHECK(parse_cpu_list("0-2147483647").empty());
  CHECK(parse_cpu_list("99999999999").empty());
}

/** Every machine, every number of threads: as many CPUs as the pool binds to, each one usable. */
void test_this_machine() {
  const std::vector<int> before = thread_affinity();
  const Topology topology = machine_topology();
  CHECK(!topology.cpus.empty() && topology.cpus.size() <= before.size());
  for (int num_threads = 0; num_threads <= 4; num_threads++) {
    for (const Pinning pinning : {Pinning::automatic, Pinning::never, Pinning::always}) {
      ThreadPool pool = placed_pool({num_threads, pinning, 0});
      CHECK(pool.num_threads() == (num_threads == 0 ? available_cores() : num_threads));
      CHECK(thread_affinity() == before);
    }
  }
  const std::optional<Placement> placement = place_process({NodeChoice::off, {}, 0, 0});
  CHECK(placement.has_value() && placement->num_threads == available_cores() && thread_affinity() == before);
}

/** What the kernel says of a page afterwards, where it lets us place one at all. */
void test_memory() {
#if defined(SYS_get_mempolicy)
  constexpr size_t kBytes = 1 << 20;
  constexpr unsigned long kOfAddress = 2;
  for (const auto& [nodes, expected] : {std::pair<std::vector<int>, int>{{}, 0}, {{0}, 1}, {{0, 0}, 3}, {{-1}, 0}, {{1 << 20}, 0}}) {
    set_memory_nodes({});
    set_memory_nodes(nodes);
    void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    place_memory(memory, kBytes);
    static_cast<char*>(memory)[kBytes - 1] = 1;
    int mode = 0;
    if (::syscall(SYS_get_mempolicy, &mode, nullptr, 0ul, memory, kOfAddress) != 0) std::puts("memory policies: skipped, the kernel has none");
    else CHECK(mode == expected || mode == 0);
    ::munmap(memory, kBytes);
  }
  set_memory_nodes({});
  CHECK(current_node() >= 0);
#endif
}

}  // namespace

void test_placement() {
  test_strange_lists();
  test_memory();
  test_this_machine();
}

}  // namespace tandem::self_test
