// Owns what the machine looks like to this process: usable CPUs with their cores and NUMA nodes, and the cgroup's CPU quota. Reads
// files below a root, so that a test can describe any machine; decides nothing.
#pragma once

#include <string>
#include <vector>

namespace tandem {

struct Cpu {
  int id = 0;
  /** The lowest id among the CPUs that share this one's core (SMT siblings). */
  int core = 0;
  int node = 0;
};

struct Topology {
  /** Online and in the affinity mask, by ascending id; never empty. */
  std::vector<Cpu> cpus;
  /** The affinity mask leaves out CPUs that are online: somebody chose. */
  bool narrowed = false;
  /** Cores' worth of time the cgroup grants; 0: no limit. */
  double quota = 0;
};

/**
 * `affinity` ascending and not empty. What cannot be read is taken for absent: no sysfs means one node of cores without siblings.
 * `root` is "" on a real machine.
 */
Topology read_topology(const std::string& root, const std::vector<int>& affinity);

/** Numbers of a kernel list, "0-3,8": ascending; empty when it is not one. */
std::vector<int> parse_cpu_list(const std::string& list);

/** The tightest quota between this process's cgroup and the root of what it sees (v2 cpu.max, v1 cpu.cfs_*); 0: no limit. */
double cgroup_quota(const std::string& root);

}  // namespace tandem
