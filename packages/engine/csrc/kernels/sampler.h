// Owns the choice of a token from logits. Mirrors packages/engine/src/sampler bit for bit: same order of steps, same double
// arithmetic, same counter-based random numbers, so both backends draw the same token from equal logits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {

struct SamplerParams {
  /** 0 is greedy. */
  double temperature = 0;
  /** 0 keeps every token. */
  int64_t top_k = 0;
  double top_p = 1, min_p = 0;
  /** The request's seed as a 64-bit integer. */
  int64_t seed = 0;
  double repetition_penalty = 1, presence_penalty = 0, frequency_penalty = 0;
  const int32_t* bias_token_ids = nullptr;
  const double* bias_values = nullptr;
  size_t num_biases = 0;
};

/** Tokens so far, for penalties: token_ids [num_tokens], the first num_prompt_tokens of them are the prompt. */
struct TokenHistory {
  const int32_t* token_ids = nullptr;
  size_t num_tokens = 0, num_prompt_tokens = 0;
};

struct LogprobEntry { int32_t token_id; double logprob; };

/** Work space of one thread: this many bytes, 64-byte aligned. */
size_t sample_workspace_bytes(size_t vocab_size);

/** Picks the token for `position` (prompt included). The nine steps are listed in src/sampler/sampler.ts. */
int32_t sample_token(const SamplerParams& params, const TokenHistory& history, int64_t position, const float* logits,
                     size_t vocab_size, void* workspace);

/** Index of the largest logit, the lowest among equals; NaN counts as minus infinity. */
int32_t argmax(const float* logits, size_t vocab_size);

/**
 * Log probability of token_id under the softmax of the logits, its rank (1 is best), and the best num_top tokens, best first.
 * As src/sampler/logprobs.ts computes it.
 */
LogprobEntry log_probability(const float* logits, size_t vocab_size, int32_t token_id, int32_t* rank, LogprobEntry* top,
                             size_t num_top, void* workspace);

/** Philox4x32-10 of (counter, key): four 32-bit words. */
void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

}  // namespace tandem
