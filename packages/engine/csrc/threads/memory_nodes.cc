#include "threads/memory_nodes.h"

#include <array>
#include <mutex>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(SYS_mbind) && defined(SYS_get_mempolicy) && defined(SYS_getcpu)
#define TANDEM_HAS_MEMORY_POLICY 1
#endif

namespace tandem {
namespace {

constexpr int kMaxNodes = 1024;
constexpr int kBitsPerWord = 8 * sizeof(unsigned long);

/** What <linux/mempolicy.h> says: it is not on every machine that builds. */
enum PolicyMode : int { kDefault = 0, kPreferred = 1, kInterleave = 3 };

struct Policy {
  int mode = kDefault;
  std::array<unsigned long, kMaxNodes / kBitsPerWord> nodes{};
};

std::mutex& policy_mutex() {
  static std::mutex mutex;
  return mutex;
}
Policy& shared_policy() {
  static Policy policy;
  return policy;
}
Policy policy() {
  const std::lock_guard<std::mutex> lock(policy_mutex());
  return shared_policy();
}

/** By `numactl` or a parent: an operator's word. */
bool policy_is_set_outside() {
#if defined(TANDEM_HAS_MEMORY_POLICY)
  int mode = kDefault;
  return ::syscall(SYS_get_mempolicy, &mode, nullptr, 0ul, nullptr, 0ul) == 0 && mode != kDefault;
#else
  return false;
#endif
}

}  // namespace

int current_node() {
#if defined(TANDEM_HAS_MEMORY_POLICY)
  unsigned cpu = 0, node = 0;
  if (::syscall(SYS_getcpu, &cpu, &node, nullptr) == 0) return static_cast<int>(node);
#endif
  return 0;
}

void set_memory_nodes(const std::vector<int>& nodes) {
  Policy wanted;
  for (const int node : nodes) {
    if (node < 0 || node >= kMaxNodes) return;
    wanted.nodes[static_cast<size_t>(node / kBitsPerWord)] |= 1ul << (node % kBitsPerWord);
  }
  // A preference, not a binding: a full node must not end the process.
  if (!nodes.empty() && !policy_is_set_outside()) wanted.mode = nodes.size() == 1 ? kPreferred : kInterleave;
  const std::lock_guard<std::mutex> lock(policy_mutex());
  shared_policy() = wanted;
}

void place_memory([[maybe_unused]] void* memory, [[maybe_unused]] size_t num_bytes) {
#if defined(TANDEM_HAS_MEMORY_POLICY)
  const Policy wanted = policy();
  if (wanted.mode == kDefault) return;
  // Advice: refused, first touch places the pages. The kernel reads one bit less than it is told.
  ::syscall(SYS_mbind, memory, num_bytes, wanted.mode, wanted.nodes.data(), kMaxNodes + 1ul, 0u);
#endif
}

}  // namespace tandem
