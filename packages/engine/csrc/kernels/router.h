// Owns the choice of experts from router logits, as packages/engine/src/reference does it. Ties go to the lower expert id.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {

struct RouterParams {
  size_t num_experts = 0;
  size_t top_k = 0;
  bool sigmoid = false;
  size_t num_groups = 1, top_k_groups = 1;
  /** Group score: the sum of its two best (biased) scores, else its best. */
  bool group_top2_sum = false;
  bool norm_topk = false;
  float scaling_factor = 1;
  /** [num_experts] or null; takes part in the selection only. */
  const float* bias = nullptr;
};

constexpr size_t kMaxExperts = 1024;

/** logits: [num_rows, num_experts]; topk_ids, topk_weights: [num_rows, top_k], best first. num_experts <= kMaxExperts. */
void route(const RouterParams& params, const float* logits, size_t ld_logits, size_t num_rows, uint16_t* topk_ids,
           float* topk_weights);

}  // namespace tandem
