// Owns how many cores this process may use: affinity mask and cgroup CPU quota (v2 cpu.max, v1 cpu.cfs_*), the smaller.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "threads/thread_pool.h"

namespace tandem {

/** Cores of a `cpu.max` line ("quota period" or "max period"); 0 means unlimited. */
static double cores_of_cpu_max(const std::string& line) {
  std::istringstream words(line);
  double quota = 0, period = 0;
  return words >> quota >> period && quota > 0 && period > 0 ? quota / period : 0;
}

static std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/** The tightest quota between this process's cgroup and the root of what it sees; 0 means none. */
static double quota_cores() {
  double tightest = 0;
  auto tighten = [&tightest](double cores) {
    if (cores > 0) tightest = tightest > 0 ? std::min(tightest, cores) : cores;
  };
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t controllers = line.find(':'), path = line.rfind(':');
    if (controllers == std::string::npos || path <= controllers) continue;
    const std::string names = line.substr(controllers + 1, path - controllers - 1);
    const bool v2 = names.empty();
    if (!v2 && names.find("cpu") == std::string::npos) continue;
    const std::string root = v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
    for (std::string group = line.substr(path + 1);; group = group.substr(0, group.rfind('/'))) {
      const std::string directory = root + (group == "/" ? "" : group);
      tighten(cores_of_cpu_max(v2 ? first_line(directory + "/cpu.max")
                                  : first_line(directory + "/cpu.cfs_quota_us") + " " + first_line(directory + "/cpu.cfs_period_us")));
      if (group.find('/') == std::string::npos) break;
    }
  }
  return tightest;
}

int available_cores() {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) cores = CPU_COUNT(&mask);
#endif
  const double quota = quota_cores();
  if (quota > 0) cores = std::min(cores, static_cast<int>(std::ceil(quota)));
  return std::max(cores, 1);
}

}  // namespace tandem
