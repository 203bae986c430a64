// Owns putting a placement into effect: the affinity of this process and of its pools' threads, and where memory goes.
// Decisions are placement.h's. On a machine with one node it changes nothing but what a pool with SMT siblings is bound to.
#pragma once

#include <optional>
#include <vector>

#include "threads/placement.h"

namespace tandem {

/** CPUs the calling thread may run on, ascending; never empty. */
std::vector<int> thread_affinity();
/** Lets the calling thread run on these CPUs. */
void set_thread_affinity(const std::vector<int>& cpus);

/** This machine as the calling thread may use it. */
Topology machine_topology();

/**
 * Moves every thread of the process to its nodes and lets weights follow. Before engines are made, from the thread that started the
 * process. nullopt as of place().
 */
std::optional<Placement> place_process(const PlacementRequest& request);

/** A pool constructed under the affinity of its pool_cpus(). The calling thread gets its own affinity back. */
ThreadPool placed_pool(ThreadPoolOptions options);

}  // namespace tandem
