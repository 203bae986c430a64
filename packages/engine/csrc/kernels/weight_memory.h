// Owns the memory of packed weights: large pages where the system gives them, since streaming tens of megabytes a step through 4 KB
// pages costs more in address translation than in reading. Small matrices share a chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tandem {

/** Zeroed, 64-byte aligned; freed with the last reference (a shared chunk when nobody uses it). Thread safe. Throws std::bad_alloc. */
std::shared_ptr<uint8_t> allocate_weights(size_t num_bytes);

}  // namespace tandem
