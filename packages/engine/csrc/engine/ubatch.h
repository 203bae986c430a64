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

// Makes it a ubatch of no rows; buffers stay.
inline void clear_rows(Ubatch* ubatch) {
  ubatch->num_rows = 0;
  ubatch->token_ids.clear();
  ubatch->positions.clear();
  ubatch->slots.clear();
  ubatch->sequences.clear();
}

// Appends a sequence's tokens from `start_position` on. The block table must outlive the step.
inline void append_sequence(Ubatch* ubatch, const int32_t* token_ids, size_t num_tokens, int64_t start_position,
                            const int32_t* block_table, size_t block_size) {
  ubatch->sequences.push_back({ubatch->num_rows, num_tokens, start_position, block_table});
  for (size_t i = 0; i < num_tokens; i++) {
    const size_t position = static_cast<size_t>(start_position) + i;
    ubatch->token_ids.push_back(token_ids[i]);
    ubatch->positions.push_back(static_cast<int64_t>(position));
    ubatch->slots.push_back(static_cast<size_t>(block_table[position / block_size]) * block_size + position % block_size);
  }
  ubatch->num_rows += num_tokens;
}

}  // namespace tandem
