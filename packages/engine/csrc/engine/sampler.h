// Owns the choice of a token from logits, word for word packages/engine/src/sampler: doubles, a fixed order of steps and
// operations, exp and ln of exact-math.ts, and Philox keyed by (seed, position). Equal logits draw equal tokens there and here.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/step_plan.h"

namespace tandem {

// Which tokens a sequence has seen and how often it wrote each.
class TokenCounts {
 public:
  TokenCounts(const std::vector<int32_t>& token_ids, size_t num_prompt_tokens);
  void append(int32_t token_id) { counts_[token_id]++; }
  // Token id -> occurrences in the output.
  const std::unordered_map<int32_t, int32_t>& output_counts() const { return counts_; }

 private:
  std::unordered_map<int32_t, int32_t> counts_;
};

// Scratch of one thread.
class Sampler {
 public:
  explicit Sampler(size_t vocab_size) : vocab_size_(vocab_size) {}
  // `position` is that of the token to be sampled. Changes neither logits nor counts.
  int32_t sample(const float* logits, const TokenCounts& counts, const SamplingParams& params, int64_t position);
  TokenLogprobs logprobs(const float* logits, int32_t token_id, int32_t num_top) const;

 private:
  void penalise(const float* logits, const TokenCounts& counts, const SamplingParams& params);
  int32_t draw(int32_t best, const SamplingParams& params, int64_t position);
  // Steps 7 and 8 of sampler.ts on ids_[0, count): how many of them, now in order of preference, are kept.
  size_t restrict_candidates(size_t count, const SamplingParams& params);

  const size_t vocab_size_;
  std::vector<double> values_, weights_;
  std::vector<int32_t> ids_;
};

// exact-math.ts: exp(x) for x <= 0, ln(x) for x >= 1.
double exp_non_positive(double x);
double ln_at_least_one(double x);
// philox.ts: the uniform number in [0, 1) that decides the token at `position` under `seed`.
double uniform_at(double seed, int64_t position);

}  // namespace tandem
