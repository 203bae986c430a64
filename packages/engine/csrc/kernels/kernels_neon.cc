// The kernel table of every NEON path: they differ in the products of quantised panels only.
#if defined(__aarch64__)
#include "kernels/simd_neon.h"
#include "kernels/table_impl.h"

namespace tandem {
const KernelTable kNeonKernels = TANDEM_KERNEL_TABLE;
}
#endif
