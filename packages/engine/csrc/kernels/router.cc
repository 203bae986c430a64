#include "kernels/router.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace tandem {
namespace {

/** Moves the `count` best of ids[0, size) to the front, best first; the lower id first among equals. */
void best_first(const float* scores, uint16_t* ids, size_t size, size_t count) {
  std::partial_sort(ids, ids + count, ids + size, [scores](uint16_t a, uint16_t b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
  });
}

void to_probabilities(const RouterParams& params, const float* logits, float* p) {
  const size_t n = params.num_experts;
  if (params.sigmoid) {
    for (size_t e = 0; e < n; e++) p[e] = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(logits[e]))));
    return;
  }
  const float max = *std::max_element(logits, logits + n);
  double sum = 0;
  for (size_t e = 0; e < n; e++) {
    p[e] = static_cast<float>(std::exp(static_cast<double>(logits[e]) - static_cast<double>(max)));
    sum += static_cast<double>(p[e]);
  }
  for (size_t e = 0; e < n; e++) p[e] = static_cast<float>(static_cast<double>(p[e]) / sum);
}

/** Ids of the experts of the best groups, ascending; returns how many. */
size_t allowed_experts(const RouterParams& params, const float* scores, uint16_t* ids) {
  const size_t n = params.num_experts, groups = params.num_groups;
  if (groups <= 1) {
    for (size_t e = 0; e < n; e++) ids[e] = static_cast<uint16_t>(e);
    return n;
  }
  const size_t group_size = n / groups, num_scored = params.group_top2_sum ? std::min<size_t>(2, group_size) : 1;
  float group_scores[kMaxExperts];
  uint16_t group_ids[kMaxExperts];
  for (size_t g = 0; g < groups; g++) {
    group_ids[g] = static_cast<uint16_t>(g);
    for (size_t i = 0; i < group_size; i++) ids[i] = static_cast<uint16_t>(g * group_size + i);
    best_first(scores, ids, group_size, num_scored);
    double sum = 0;
    for (size_t i = 0; i < num_scored; i++) sum += static_cast<double>(scores[ids[i]]);
    group_scores[g] = static_cast<float>(sum);
  }
  const size_t kept = std::min(params.top_k_groups, groups);
  best_first(group_scores, group_ids, groups, kept);
  std::sort(group_ids, group_ids + kept);
  size_t count = 0;
  for (size_t g = 0; g < kept; g++) {
    for (size_t i = 0; i < group_size; i++) ids[count++] = static_cast<uint16_t>(group_ids[g] * group_size + i);
  }
  return count;
}

void route_row(const RouterParams& params, const float* logits, uint16_t* topk_ids, float* topk_weights) {
  float p[kMaxExperts], biased[kMaxExperts];
  uint16_t ids[kMaxExperts];
  to_probabilities(params, logits, p);
  const float* scores = p;
  if (params.bias != nullptr) {
    for (size_t e = 0; e < params.num_experts; e++) biased[e] = p[e] + params.bias[e];
    scores = biased;
  }
  const size_t allowed = allowed_experts(params, scores, ids);
  best_first(scores, ids, allowed, params.top_k);
  best_first(p, ids, params.top_k, params.top_k);
  double sum = 0;
  for (size_t k = 0; k < params.top_k; k++) sum += static_cast<double>(p[ids[k]]);
  const double factor = static_cast<double>(params.scaling_factor) / (params.norm_topk ? sum + 1e-20 : 1.0);
  for (size_t k = 0; k < params.top_k; k++) {
    topk_ids[k] = ids[k];
    topk_weights[k] = static_cast<float>(static_cast<double>(p[ids[k]]) * factor);
  }
}

}  // namespace

void route(const RouterParams& params, const float* logits, size_t ld_logits, size_t num_rows, uint16_t* topk_ids, float* topk_weights) {
  assert(params.num_experts <= kMaxExperts && params.top_k <= params.num_experts);
  for (size_t r = 0; r < num_rows; r++) {
    route_row(params, logits + r * ld_logits, topk_ids + r * params.top_k, topk_weights + r * params.top_k);
  }
}

}  // namespace tandem
