// Owns reading the CPU quota of the cgroups this process is in, both versions, nested groups included.
#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string>

#include "threads/kernel_file.h"
#include "threads/topology.h"

namespace tandem {
namespace {

/** Below /sys/fs/cgroup; where both versions are mounted, v2 is under unified. */
constexpr std::array<const char*, 2> kMountsV2{"", "/unified"}, kMountsV1{"/cpu", "/cpu,cpuacct"};

/** Cores of "quota period"; 0 for "max period", "-1 period" and what is neither. */
double cores_of(const std::string& line) {
  std::istringstream words(line);
  double quota = 0, period = 0;
  return words >> quota >> period && quota > 0 && period > 0 ? quota / period : 0;
}

bool has_cpu_controller(const std::string& names) {
  std::istringstream words(names);
  for (std::string name; std::getline(words, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

/** The quota of one group's directory. */
double quota_of_group(const std::string& directory, bool v2) {
  if (v2) return cores_of(first_line(directory + "/cpu.max"));
  return cores_of(first_line(directory + "/cpu.cfs_quota_us") + " " + first_line(directory + "/cpu.cfs_period_us"));
}

/**
 * The group and all above it: a parent's limit holds for its children. In a container the groups between the process's path and the
 * mount may be invisible; the walk then ends at the mount, which is the container's own group.
 */
double tightest_up_from(const std::string& mount, std::string group, bool v2) {
  if (group.find("..") != std::string::npos) group.clear();
  double tightest = 0;
  while (true) {
    const double cores = quota_of_group(mount + (group == "/" ? "" : group), v2);
    if (cores > 0) tightest = tightest > 0 ? std::min(tightest, cores) : cores;
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return tightest;
    group.resize(slash);
  }
}

}  // namespace

double cgroup_quota(const std::string& root) {
  double tightest = 0;
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    // hierarchy:controllers:path, where a path may hold colons.
    const size_t names_at = line.find(':');
    const size_t path_at = names_at == std::string::npos ? names_at : line.find(':', names_at + 1);
    if (path_at == std::string::npos) continue;
    const std::string names = line.substr(names_at + 1, path_at - names_at - 1), path = line.substr(path_at + 1);
    const bool v2 = names.empty();
    if (!v2 && !has_cpu_controller(names)) continue;
    for (const char* mount : v2 ? kMountsV2 : kMountsV1) {
      const double cores = tightest_up_from(root + "/sys/fs/cgroup" + mount, path, v2);
      if (cores > 0) tightest = tightest > 0 ? std::min(tightest, cores) : cores;
    }
  }
  return tightest;
}

}  // namespace tandem
