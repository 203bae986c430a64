// Owns how many threads a pool has when nobody says: see default_threads.
#include "threads/process_placement.h"

namespace tandem {

int available_cores() { return default_threads(machine_topology()); }

}  // namespace tandem
