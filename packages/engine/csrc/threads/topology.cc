#include "threads/topology.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>

#include "threads/kernel_file.h"

namespace tandem {
namespace {

/** More than any machine has; bounds what a strange file can ask for. */
constexpr int kMaxCpuId = 1 << 16;

/** CPUs by node; without sysfs nothing, and everything is node 0. */
std::map<int, int> nodes_of_cpus(const std::string& root) {
  std::map<int, int> nodes;
  const std::string directory = root + "/sys/devices/system/node/";
  for (const int node : parse_cpu_list(first_line(directory + "online"))) {
    for (const int cpu : parse_cpu_list(first_line(directory + "node" + std::to_string(node) + "/cpulist"))) nodes[cpu] = node;
  }
  return nodes;
}

int core_of_cpu(const std::string& root, int cpu) {
  const std::string directory = root + "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
  const std::vector<int> siblings = parse_cpu_list(first_line(directory + "thread_siblings_list"));
  return siblings.empty() ? cpu : siblings.front();
}

}  // namespace

std::vector<int> parse_cpu_list(const std::string& list) {
  std::vector<int> numbers;
  const char* at = list.data();
  const char* const end = at + list.size();
  const auto number = [&](int* value) {
    const auto [next, error] = std::from_chars(at, end, *value);
    if (error != std::errc() || *value < 0 || *value >= kMaxCpuId) return false;
    at = next;
    return true;
  };
  while (at != end) {
    int first = 0;
    if (!number(&first)) return {};
    int last = first;
    if (at != end && *at == '-' && (++at, !number(&last))) return {};
    for (int i = first; i <= last; i++) numbers.push_back(i);
    if (at != end && *at++ != ',') return {};
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

Topology read_topology(const std::string& root, const std::vector<int>& affinity) {
  const std::vector<int> online = parse_cpu_list(first_line(root + "/sys/devices/system/cpu/online"));
  std::vector<int> usable;
  std::set_intersection(affinity.begin(), affinity.end(), online.begin(), online.end(), std::back_inserter(usable));
  if (usable.empty()) usable = affinity;
  Topology topology;
  topology.narrowed = usable.size() < online.size();
  topology.quota = cgroup_quota(root);
  const std::map<int, int> nodes = nodes_of_cpus(root);
  for (const int cpu : usable) {
    const auto node = nodes.find(cpu);
    topology.cpus.push_back({cpu, core_of_cpu(root, cpu), node == nodes.end() ? 0 : node->second});
  }
  return topology;
}

}  // namespace tandem
