// The portable kernel table.
#include "kernels/simd_portable.h"
#include "kernels/table_impl.h"

namespace tandem {
const KernelTable kPortableKernels = TANDEM_KERNEL_TABLE;
}
