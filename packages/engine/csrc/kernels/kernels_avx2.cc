// The AVX2 kernel table.
#if defined(__x86_64__)
#include "kernels/simd_avx2.h"
#include "kernels/table_impl.h"

namespace tandem {
const KernelTable kAvx2Kernels = TANDEM_KERNEL_TABLE;
}
#endif
