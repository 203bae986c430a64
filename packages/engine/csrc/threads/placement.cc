#include "threads/placement.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace tandem {
namespace {

constexpr size_t kMaxCpusCountedAsCores = 2;

/** One CPU of each core, ascending. */
std::vector<Cpu> one_per_core(const std::vector<Cpu>& cpus) {
  if (cpus.size() <= kMaxCpusCountedAsCores) return cpus;
  std::set<int> seen;
  std::vector<Cpu> cores;
  for (const Cpu& cpu : cpus) {
    if (seen.insert(cpu.core).second) cores.push_back(cpu);
  }
  return cores;
}

std::map<int, std::vector<Cpu>> by_node(const std::vector<Cpu>& cpus) {
  std::map<int, std::vector<Cpu>> nodes;
  for (const Cpu& cpu : cpus) nodes[cpu.node].push_back(cpu);
  return nodes;
}

std::vector<int> ids_of(const std::vector<Cpu>& cpus) {
  std::vector<int> ids;
  for (const Cpu& cpu : cpus) ids.push_back(cpu.id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

int within_quota(size_t num_cores, double quota) {
  const int cores = static_cast<int>(num_cores);
  return std::max(quota > 0 && quota < cores ? static_cast<int>(std::ceil(quota)) : cores, 1);
}

/** The nodes an automatic placement takes: the current one if it holds the worker, else the first that does, else several. */
std::vector<int> nodes_that_hold(const Topology& topology, const PlacementRequest& request) {
  std::vector<std::pair<int, int>> nodes;  // cores, node
  for (const auto& [node, cpus] : by_node(topology.cpus)) nodes.emplace_back(static_cast<int>(one_per_core(cpus).size()), node);
  std::stable_sort(nodes.begin(), nodes.end(), [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first > b.first;
    return a.second == request.current_node && b.second != request.current_node;
  });
  const int wanted = request.num_threads > 0 ? request.num_threads : within_quota(static_cast<size_t>(nodes.front().first), topology.quota);
  for (const auto& [cores, node] : nodes) {
    if (node == request.current_node && cores >= wanted) return {node};
  }
  std::vector<int> taken;
  int num_cores = 0;
  for (const auto& [cores, node] : nodes) {
    taken.push_back(node);
    num_cores += cores;
    if (num_cores >= wanted) break;
  }
  std::sort(taken.begin(), taken.end());
  return taken;
}

}  // namespace

int default_threads(const Topology& topology) { return within_quota(one_per_core(topology.cpus).size(), topology.quota); }

std::optional<Placement> place(const Topology& topology, const PlacementRequest& request) {
  const auto nodes = by_node(topology.cpus);
  Placement placement;
  if (request.choice == NodeChoice::listed) {
    placement.nodes = request.nodes;
    if (!std::all_of(request.nodes.begin(), request.nodes.end(), [&](int node) { return nodes.contains(node); })) return std::nullopt;
  } else if (request.choice == NodeChoice::automatic && nodes.size() > 1) {
    if (!topology.narrowed) placement.nodes = nodes_that_hold(topology, request);
    else for (const auto& entry : nodes) placement.nodes.push_back(entry.first);
  }
  Topology chosen{{}, topology.narrowed, topology.quota};
  for (const Cpu& cpu : topology.cpus) {
    const bool taken = std::find(placement.nodes.begin(), placement.nodes.end(), cpu.node) != placement.nodes.end();
    if (taken || placement.nodes.empty()) chosen.cpus.push_back(cpu);
  }
  placement.cpus = ids_of(chosen.cpus);
  placement.num_threads = request.num_threads > 0 ? request.num_threads : default_threads(chosen);
  return placement;
}

std::vector<int> pool_cpus(const Topology& topology, int num_threads, Pinning pinning) {
  const std::vector<Cpu> cores = one_per_core(topology.cpus);
  const size_t wanted = static_cast<size_t>(num_threads);
  if (pinning == Pinning::never || wanted > cores.size()) return ids_of(topology.cpus);
  if (wanted == cores.size()) return ids_of(cores);
  if (pinning == Pinning::automatic) return ids_of(topology.cpus);
  // One core of each node in turn.
  auto nodes = by_node(cores);
  std::vector<Cpu> taken;
  for (size_t round = 0; taken.size() < wanted; round++) {
    for (const auto& [node, cpus] : nodes) {
      if (round < cpus.size() && taken.size() < wanted) taken.push_back(cpus[round]);
    }
  }
  return ids_of(taken);
}

}  // namespace tandem
