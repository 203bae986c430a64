// The AVX-512 kernel table.
#if defined(__x86_64__)
#include "kernels/simd_avx512.h"
#include "kernels/table_impl.h"

namespace tandem {
const KernelTable kAvx512Kernels = TANDEM_KERNEL_TABLE;
}
#endif
