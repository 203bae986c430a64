// The products of quantised panels on any AArch64: SMULL and SMLAL in 16 bits.
#if defined(__aarch64__)
#include "kernels/neon_row_sums_impl.h"
#include "kernels/neon_tile_impl.h"

namespace tandem {
const QuantPanels kNeonQuantPanels = TANDEM_QUANT_PANELS(1, panel_product);
}
#endif
