// Owns where a worker's threads belong on a machine: which NUMA nodes, how many threads, which CPUs a pool is bound to. Pure: no file,
// no system call.
#pragma once

#include <optional>
#include <vector>

#include "threads/thread_pool.h"
#include "threads/topology.h"

namespace tandem {

/** `automatic`: one node if the worker fits. `off`: nodes are ignored. `listed`: these. */
enum class NodeChoice { automatic, off, listed };

struct PlacementRequest {
  NodeChoice choice = NodeChoice::automatic;
  std::vector<int> nodes;  // when listed
  /** 0: as many as default_threads. */
  int num_threads = 0;
  /** Where the process runs now: preferred among equals, so that workers spread as the kernel spread their processes. */
  int current_node = 0;
};

struct Placement {
  int num_threads = 1;
  /** Where the process may run, ascending. */
  std::vector<int> cpus;
  /** Where its memory belongs; empty when nodes do not matter (there is one, or they are ignored). */
  std::vector<int> nodes;
};

/**
 * A worker takes one node unless it asks for more threads than any node has cores; then as few nodes as hold them, the largest first.
 * An affinity mask that somebody narrowed is a choice of cores: all of it is used. nullopt: a listed node has no usable CPU.
 */
std::optional<Placement> place(const Topology& topology, const PlacementRequest& request);

/**
 * One thread for every core, not for every SMT sibling (they share the units that multiply), within the quota, rounded up. Of two CPUs
 * both count: what looks like siblings there is often two vCPUs, and one thread would be worse.
 */
int default_threads(const Topology& topology);

/**
 * The CPUs to construct a pool under: it binds to what it finds in its affinity mask. As many as threads, one to a core and evenly over
 * the nodes, where the pool will bind; all of them where the kernel is to choose.
 */
std::vector<int> pool_cpus(const Topology& topology, int num_threads, Pinning pinning);

}  // namespace tandem
