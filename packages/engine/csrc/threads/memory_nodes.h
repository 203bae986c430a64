// Owns which NUMA nodes this process's weights and KV cache come from, by the kernel's system calls: no libnuma. Where the kernel has none of it, or
// a container forbids it, pages go to the node of the thread that touches them first, which is the same node for a placed worker.
#pragma once

#include <cstddef>
#include <vector>

namespace tandem {

/** The node the calling thread runs on; 0 where that means nothing. */
int current_node();

/**
 * Nodes for memory that is placed from now on: one is preferred, over several pages take turns; none: the kernel's own choice. Ignored
 * when the calling thread already has a policy.
 */
void set_memory_nodes(const std::vector<int>& nodes);

/** Applies them to fresh pages, before anything is written there. `memory` at a page boundary. */
void place_memory(void* memory, size_t num_bytes);

}  // namespace tandem
