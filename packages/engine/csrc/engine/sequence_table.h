// Owns the sequences of an attention engine and how a plan changes them: all of it or nothing. Computes nothing.
// Mirrors packages/engine/src/pipeline/sequence-table.ts.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/step_plan.h"

namespace tandem {

struct Sequence {
  explicit Sequence(NewSequence created);
  uint32_t seq_id, num_prompt_tokens, max_tokens;
  SamplingParams sampling;
  std::vector<int32_t> token_ids;
  std::vector<int32_t> block_table;
  // Positions below it are in the KV cache; -1 until first scheduled (cached prefixes start beyond 0).
  int64_t num_computed_tokens = -1;
  bool finished = false;
};

// One sequence's share of a step.
struct ScheduledRows {
  std::shared_ptr<Sequence> sequence;
  uint32_t ubatch_idx = 0;
  uint32_t start_position = 0, num_tokens = 0;
  // The rows reach the last known token, so the next one is sampled.
  bool sampled = false;
};

struct TableLimits {
  size_t block_size = 0, num_blocks = 0, max_model_len = 0, vocab_size = 0;
};

class SequenceTable {
 public:
  explicit SequenceTable(const TableLimits& limits) : limits_(limits) {}

  size_t size() const { return sequences_.size(); }
  // Throws EngineError plan_invalid and changes nothing when the plan contradicts what this table knows.
  std::vector<ScheduledRows> apply(StepPlan& plan);
  // Keeps, or undoes, what the last `apply` did.
  void commit(const std::vector<ScheduledRows>& rows);
  void roll_back();
  // Appends a sampled token and says whether the sequence ends with it.
  FinishReason append_sampled(Sequence* sequence, int32_t token_id) const;

 private:
  void replace(uint32_t seq_id, std::shared_ptr<Sequence> sequence);
  ScheduledRows schedule(const StepPlan& plan, const ScheduledSequence& scheduled, std::shared_ptr<Sequence> sequence);

  const TableLimits limits_;
  std::unordered_map<uint32_t, std::shared_ptr<Sequence>> sequences_;
  std::vector<std::function<void()>> undo_;
};

}  // namespace tandem
