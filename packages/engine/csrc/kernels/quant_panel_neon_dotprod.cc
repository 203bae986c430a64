// The products of quantised panels on AArch64 with the dot product extension: SDOT, inputs taken from a lane.
#if defined(__aarch64__)
#include "kernels/neon_row_sums_impl.h"
#include "kernels/neon_tile_impl.h"

namespace tandem {
const QuantPanels kNeonDotprodQuantPanels = TANDEM_QUANT_PANELS(1, panel_product);
}
#endif
