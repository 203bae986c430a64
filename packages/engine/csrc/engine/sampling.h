// Owns what comes out of one row of logits: a sampled token, log probabilities. The arithmetic is kernels/sampler.h's.
#pragma once

#include "engine/aligned_buffer.h"
#include "engine/sequence_table.h"

namespace tandem {

// Work space of one thread.
class Sampler {
 public:
  explicit Sampler(size_t vocab_size) : vocab_size_(vocab_size) {}
  // The token behind the sequence's last one.
  int32_t sample(const float* logits, const Sequence& sequence);
  TokenLogprobs logprobs(const float* logits, int32_t token_id, int32_t num_top);

 private:
  void* workspace();

  const size_t vocab_size_;
  AlignedBuffer<uint8_t> workspace_;
};

}  // namespace tandem
