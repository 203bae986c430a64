// Owns the order of the quantised products in a kernel table. Internal to csrc/kernels.
#pragma once

#include "kernels/kernel_table.h"

namespace tandem {

struct QuantPanels {
  /** Adjacent panels a call takes at most. */
  size_t num_panels;
  /** Null where float rows are multiplied instead: but for one path, for all float types. */
  QuantPanelFn of[kNumTensorDtypes];
  /** And at least, for few rows, if it is to be as fast as it can. */
  size_t num_panels_of_few_rows = 1;
  /** Rows a call is given at most: more of them share what is unpacked, and leave the caches sooner. */
  size_t max_rows = 64;
  /** Largest weight a product takes. */
  float weight_limit = __builtin_inff();
};

/** One entry per TensorDtype of a template over it; null for float types. More arguments are the members that have defaults. */
#define TANDEM_QUANT_PANELS(num_panels, product, ...)                                                               \
  {num_panels, {nullptr, nullptr, nullptr, nullptr, product<TensorDtype::q8_0>, product<TensorDtype::q4_0>,         \
    product<TensorDtype::q4_1>, product<TensorDtype::q5_0>, product<TensorDtype::q5_1>, product<TensorDtype::q4_k>, \
    product<TensorDtype::q5_k>, product<TensorDtype::q6_k>} __VA_OPT__(,) __VA_ARGS__}

extern const QuantPanels kPortableQuantPanels;
#if defined(__x86_64__)
extern const QuantPanels kAvx2QuantPanels;
extern const QuantPanels kAvx512QuantPanels;
/** num_panels is 0 when the compiler does not know the instructions. */
extern const QuantPanels kAvx2VnniQuantPanels;
extern const QuantPanels kAmxQuantPanels;
/** Other bits than all the others': bf16 activations, made by kAmxBf16Rows. */
extern const QuantPanels kAmxBf16QuantPanels;
/** A kernel table's makers of blocks. */
struct QuantRows {
  decltype(KernelTable::quantize_rows) quantize_rows;
  decltype(KernelTable::rms_norm_quantize) rms_norm_quantize;
  decltype(KernelTable::swiglu_quantize) swiglu_quantize;
};
extern const QuantRows kAmxBf16Rows;
#elif defined(__aarch64__)
extern const QuantPanels kNeonQuantPanels;
extern const QuantPanels kNeonDotprodQuantPanels;
extern const QuantPanels kNeonI8mmQuantPanels;
#endif

}  // namespace tandem
