// Owns the order of the quantised products in a kernel table. Internal to csrc/kernels.
#pragma once

#include "kernels/kernel_table.h"

namespace tandem {

struct QuantPanels {
  /** Adjacent panels a call takes at most. */
  size_t num_panels;
  QuantPanelFn of[kNumTensorDtypes];
};

/** One entry per TensorDtype of a template over it; null for float types. */
#define TANDEM_QUANT_PANELS(num_panels, product)                                                                   \
  {num_panels, {nullptr, nullptr, nullptr, nullptr, product<TensorDtype::q8_0>, product<TensorDtype::q4_0>,                     \
    product<TensorDtype::q4_1>, product<TensorDtype::q5_0>, product<TensorDtype::q5_1>, product<TensorDtype::q4_k>, \
    product<TensorDtype::q5_k>, product<TensorDtype::q6_k>}}

extern const QuantPanels kPortableQuantPanels;
#if defined(__x86_64__)
extern const QuantPanels kAvx2QuantPanels;
extern const QuantPanels kAvx512QuantPanels;
/** num_panels is 0 when the compiler does not know the instructions. */
extern const QuantPanels kAvx2VnniQuantPanels;
extern const QuantPanels kAmxQuantPanels;
#elif defined(__aarch64__)
extern const QuantPanels kNeonQuantPanels;
extern const QuantPanels kNeonDotprodQuantPanels;
extern const QuantPanels kNeonI8mmQuantPanels;
#endif

}  // namespace tandem
