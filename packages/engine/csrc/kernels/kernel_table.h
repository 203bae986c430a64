// Owns the list of operations that exist once per instruction set. One table per path; public functions dispatch through
// `kernels()`. Internal to csrc/kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/activations.h"
#include "kernels/attention.h"
#include "kernels/packed_layout.h"
#include "kernels/rope.h"

namespace tandem {

/** Rows that one panel call takes at most, over all paths. */
constexpr size_t kMaxPanelRows = 128;

/**
 * out[r][0 .. 16 * num_panels) = sum over blocks [block_begin, block_end) of num_panels adjacent panels, at most as many as the path
 * takes, for num_rows <= kMaxPanelRows rows, `stride` blocks apart.
 */
using QuantPanelFn = void (*)(const QuantPanel& first, size_t num_panels, size_t block_begin, size_t block_end,
                              const QuantBlock* x, size_t stride, size_t num_rows, float* out);
/** The same for num_panels <= num_float_panels adjacent panels: out[r][16 * num_panels]. */
using FloatPanelsFn = void (*)(const FloatPanel& first, size_t num_panels, size_t k_begin, size_t k_end, const float* x,
                               size_t stride, size_t num_rows, float* out);
/** Panels a product takes at once at most, over all paths. */
constexpr size_t kMaxPanels = 4;

struct KernelTable {
  size_t num_float_panels;
  FloatPanelsFn float_panels;

  void (*quantize_rows)(const float*, size_t, size_t, size_t, QuantBlock*, size_t);
  void (*rms_norm)(const float*, size_t, const float*, float, size_t, size_t, float*, size_t);
  void (*rms_norm_quantize)(const float*, size_t, const float*, float, size_t, size_t, QuantBlock*, size_t, float*, size_t);
  void (*swiglu)(const float*, size_t, const float*, size_t, size_t, size_t, float*, size_t);
  void (*swiglu_quantize)(const float*, size_t, const float*, size_t, size_t, size_t, QuantBlock*, size_t);
  void (*copy_rows)(const float*, size_t, size_t, size_t, float*, size_t);
  void (*add_rows)(const float*, size_t, size_t, size_t, float*, size_t);
  /** y[i] += factor * x[i], rounded twice. */
  void (*add_scaled)(const float*, float, size_t, float*);
  void (*to_bf16)(const float*, uint16_t*, size_t);
  void (*from_bf16)(const uint16_t*, float*, size_t);
  void (*rope_rotate)(const RopeParams&, const float*, const float*, float*, size_t, size_t);

  void (*kv_write)(const KvLayout&, uint8_t*, size_t, const float*, const float*);
  void (*kv_read)(const KvLayout&, const uint8_t*, size_t, float*, float*);
  void (*attention_run)(const AttentionParams&, const AttentionItem&, const AttentionItem*, float*, void*);
  void (*attention_merge)(const AttentionParams&, const AttentionMerge&, const float*);

  /** y[i] = exp((x[i] - shift) / divisor), x[i] <= shift, as the sampler needs it. */
  void (*exp_non_positive)(const double*, double, double, double*, size_t);
  float (*max_value)(const float*, size_t);
};

const KernelTable& kernels();
struct QuantPanels;
/** The active path's products with quantised panels. */
const QuantPanels& quant_panels();

extern const KernelTable kPortableKernels;
#if defined(__x86_64__)
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512Kernels;
#elif defined(__aarch64__)
extern const KernelTable kNeonKernels;
#endif

}  // namespace tandem
