// Owns the native mirror of StepPlan and StepResult in packages/engine/src/types.ts: plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

struct SamplingParams {
  double temperature = 0;
  int32_t top_k = 0;
  double top_p = 1, min_p = 0;
  double seed = 0;  // a whole number, |seed| < 2^53
  double repetition_penalty = 1, presence_penalty = 0, frequency_penalty = 0;
  std::vector<int32_t> bias_token_ids;
  std::vector<double> bias_values;
  std::vector<int32_t> stop_token_ids;
  // Alternatives to report; -1: none, not even the chosen token's.
  int32_t logprobs = -1;
  int32_t prompt_logprobs = -1;
};

struct NewSequence {
  uint32_t seq_id = 0;
  std::vector<int32_t> token_ids;
  uint32_t num_prompt_tokens = 0;
  uint32_t max_tokens = 0;
  SamplingParams sampling;
};

struct ScheduledSequence {
  uint32_t seq_id = 0;
  uint32_t num_computed_tokens = 0, num_scheduled_tokens = 0;
  uint32_t ubatch_idx = 0;
  std::vector<int32_t> new_block_ids;
};

struct StepPlan {
  double step_id = 0;
  std::vector<uint32_t> removed_seq_ids;
  std::vector<NewSequence> new_sequences;
  std::vector<ScheduledSequence> scheduled;
  std::vector<int32_t> ffn_instance_of_ubatch;
};

struct TokenLogprob {
  int32_t token_id = 0;
  double logprob = 0;
};
struct TokenLogprobs {
  TokenLogprob chosen;
  int32_t rank = 0;
  std::vector<TokenLogprob> top;
};

enum class FinishReason { none, stop, length };

struct SampledToken {
  uint32_t seq_id = 0;
  uint32_t position = 0;
  int32_t token_id = 0;
  std::optional<TokenLogprobs> logprobs;
  FinishReason finish_reason = FinishReason::none;
};
struct PromptLogprobs {
  uint32_t seq_id = 0;
  uint32_t position = 0;
  TokenLogprobs logprobs;
};
struct StepTimings {
  double step_us = 0, attention_us = 0, ffn_wait_us = 0, sample_us = 0;
};
struct StepResult {
  double step_id = 0;
  std::vector<SampledToken> sampled;
  std::vector<PromptLogprobs> prompt_logprobs;
  StepTimings timings;
};

}  // namespace tandem
