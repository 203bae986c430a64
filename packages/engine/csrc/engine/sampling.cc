#include "engine/sampling.h"

#include <algorithm>

#include "kernels/sampler.h"

namespace tandem {

void* Sampler::workspace() { return workspace_.reserve(sample_workspace_bytes(vocab_size_)); }

int32_t Sampler::sample(const float* logits, const Sequence& sequence) {
  const SamplingParams& from = sequence.sampling;
  SamplerParams params;
  params.temperature = from.temperature;
  params.top_k = from.top_k;
  params.top_p = from.top_p;
  params.min_p = from.min_p;
  params.seed = static_cast<int64_t>(from.seed);
  params.repetition_penalty = from.repetition_penalty;
  params.presence_penalty = from.presence_penalty;
  params.frequency_penalty = from.frequency_penalty;
  params.bias_token_ids = from.bias_token_ids.data();
  params.bias_values = from.bias_values.data();
  params.num_biases = from.bias_token_ids.size();
  const TokenHistory history{sequence.token_ids.data(), sequence.token_ids.size(), sequence.num_prompt_tokens};
  const auto position = static_cast<int64_t>(sequence.token_ids.size());
  return sample_token(params, history, position, logits, vocab_size_, workspace());
}

TokenLogprobs Sampler::logprobs(const float* logits, int32_t token_id, int32_t num_top) {
  const size_t count = std::min(static_cast<size_t>(num_top), vocab_size_);
  std::vector<LogprobEntry> top(count);
  TokenLogprobs result;
  const LogprobEntry chosen =
      log_probability(logits, vocab_size_, token_id, &result.rank, top.data(), count, workspace());
  result.chosen = {chosen.token_id, chosen.logprob};
  for (const LogprobEntry& entry : top) result.top.push_back({entry.token_id, entry.logprob});
  return result;
}

}  // namespace tandem
