// Owns the choice of a token from logits. Mirrors packages/engine/src/sampler: same order of steps, same counter-based
// random numbers, so that both backends draw alike from equal logits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {

struct SamplerParams {
  float temperature = 0;
  int32_t top_k = 0;
  float top_p = 1, min_p = 0;
  uint64_t seed = 0;
  float repetition_penalty = 1, presence_penalty = 0, frequency_penalty = 0;
  const int32_t* bias_token_ids = nullptr;
  const float* bias_values = nullptr;
  size_t num_biases = 0;
};

/** Tokens so far, for penalties: token_ids [num_tokens], the first num_prompt_tokens of them are the prompt. */
struct TokenHistory {
  const int32_t* token_ids = nullptr;
  size_t num_tokens = 0, num_prompt_tokens = 0;
};

struct LogprobEntry { int32_t token_id; float logprob; };

/** Work space of one thread: sample_workspace_bytes(vocab_size) bytes, 64-byte aligned. */
size_t sample_workspace_bytes(size_t vocab_size);

/** Picks the token for `position`. `logits` is changed in place (penalties, bias): take log_probabilities first. */
int32_t sample_token(const SamplerParams& params, const TokenHistory& history, int64_t position, float* logits,
                     size_t vocab_size, void* workspace);

/** Index of the largest logit, the lowest on a tie. */
int32_t argmax(const float* logits, size_t vocab_size);

/** Natural-log probability of token_id under softmax(logits), its rank (1 is best), and the best num_top tokens. */
LogprobEntry log_probability(const float* logits, size_t vocab_size, int32_t token_id, int32_t* rank, LogprobEntry* top,
                             size_t num_top, void* workspace);

/** Philox4x32-10 of (counter, key): four 32-bit words. */
void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

}  // namespace tandem
