// Owns the rows of one ubatch during a step: what they are (tokens, positions, blocks) and what they become
// (residual stream, the FFN's input and output). Buffers are reused from step to step.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/aligned_buffer.h"
#include "kernels/attention.h"

namespace tandem {

struct Ubatch {
  uint16_t ubatch_idx = 0;
  // FFN instance the plan asks for; -1: the engine picks.
  int ffn_instance = -1;
  size_t num_rows = 0;
  std::vector<int32_t> token_ids;   // [num_rows]
  std::vector<int64_t> positions;   // [num_rows]
  std::vector<size_t> slots;        // [num_rows] KV slot of each row
  std::vector<AttentionSequence> sequences;

  AlignedBuffer<float> residual;    // [num_rows, hidden_size]
  AlignedBuffer<float> hidden;      // [num_rows, hidden_size] the FFN's input
  std::vector<uint16_t> topk_ids;   // [num_rows, top_k] of the current layer
  std::vector<float> topk_weights;

  // Same for every layer of the step.
  AlignedBuffer<float> rope_cos, rope_sin;  // [num_rows, rope_dim / 2]
  std::vector<AttentionItem> items;
  std::vector<AttentionMerge> merges;
  size_t attention_scratch_floats = 0;
};

}  // namespace tandem
