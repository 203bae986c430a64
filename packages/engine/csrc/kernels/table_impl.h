// Owns filling a kernel table from the implementations of the instruction set chosen before: a kernels_*.cc includes its
// simd_*.h, then this. Internal to csrc/kernels.
#pragma once

#include "kernels/attention_impl.h"
#include "kernels/eight_bit_impl.h"
#include "kernels/exact_math_impl.h"
#include "kernels/float_panel_impl.h"
#include "kernels/kernel_table.h"
#include "kernels/quant_panels.h"
#include "kernels/quantized_rows_impl.h"
#include "kernels/rows_impl.h"

#define TANDEM_KERNEL_TABLE                                                                                          \
  {kFloatPanels, float_panels_impl, quantize_rows_impl<EightBitQuantizer>, rms_norm_impl,                              \
   rms_norm_quantize_impl<EightBitQuantizer>, swiglu_impl, swiglu_quantize_impl<EightBitQuantizer>, copy_rows_impl,   \
   add_rows_impl, add_scaled_impl, to_bf16_impl, from_bf16_impl,                                                      \
   rope_rotate_impl, kv_write_impl, kv_read_impl, attention_run_impl, attention_merge_impl, exp_non_positive_impl,    \
   max_value_impl}
