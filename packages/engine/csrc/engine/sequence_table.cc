#include "engine/sequence_table.h"

#include <algorithm>
#include <unordered_set>

#include "model/engine_error.h"

namespace tandem {

namespace {

[[noreturn]] void invalid(const StepPlan& plan, const std::string& reason) {
  throw EngineError("plan_invalid", {{"stepId", plan.step_id}, {"reason", reason}});
}

std::string name_of(uint32_t seq_id) { return "sequence " + std::to_string(seq_id); }

}  // namespace

Sequence::Sequence(NewSequence created)
    : seq_id(created.seq_id),
      num_prompt_tokens(created.num_prompt_tokens),
      max_tokens(created.max_tokens),
      sampling(std::move(created.sampling)),
      token_ids(std::move(created.token_ids)) {}

std::vector<ScheduledRows> SequenceTable::apply(StepPlan& plan) {
  undo_.clear();
  std::vector<ScheduledRows> rows;
  try {
    for (uint32_t seq_id : plan.removed_seq_ids) replace(seq_id, nullptr);
    for (NewSequence& created : plan.new_sequences) {
      for (int32_t token_id : created.token_ids) {
        if (token_id >= 0 && static_cast<size_t>(token_id) < limits_.vocab_size) continue;
        invalid(plan, "token " + std::to_string(token_id) + " is outside the vocabulary");
      }
      replace(created.seq_id, std::make_shared<Sequence>(std::move(created)));
    }
    std::unordered_set<uint32_t> seen;
    for (const ScheduledSequence& scheduled : plan.scheduled) {
      const auto found = sequences_.find(scheduled.seq_id);
      if (found == sequences_.end()) invalid(plan, name_of(scheduled.seq_id) + " is unknown");
      if (!seen.insert(scheduled.seq_id).second) invalid(plan, name_of(scheduled.seq_id) + " is scheduled twice");
      if (!found->second->finished) rows.push_back(schedule(plan, scheduled, found->second));
    }
  } catch (...) {
    roll_back();
    throw;
  }
  return rows;
}

void SequenceTable::replace(uint32_t seq_id, std::shared_ptr<Sequence> sequence) {
  const auto found = sequences_.find(seq_id);
  std::shared_ptr<Sequence> before = found == sequences_.end() ? nullptr : found->second;
  if (sequence == nullptr) sequences_.erase(seq_id);
  else sequences_[seq_id] = std::move(sequence);
  undo_.push_back([this, seq_id, before = std::move(before)] {
    if (before == nullptr) sequences_.erase(seq_id);
    else sequences_[seq_id] = before;
  });
}

ScheduledRows SequenceTable::schedule(const StepPlan& plan, const ScheduledSequence& scheduled,
                                      std::shared_ptr<Sequence> sequence) {
  for (int32_t block_id : scheduled.new_block_ids) {
    if (block_id >= 0 && static_cast<size_t>(block_id) < limits_.num_blocks) continue;
    invalid(plan, "KV block " + std::to_string(block_id) + " does not exist");
  }
  const size_t num_blocks = sequence->block_table.size();
  undo_.push_back([sequence, num_blocks] { sequence->block_table.resize(num_blocks); });
  sequence->block_table.insert(sequence->block_table.end(), scheduled.new_block_ids.begin(),
                               scheduled.new_block_ids.end());

  const std::string name = name_of(sequence->seq_id);
  const uint64_t start = scheduled.num_computed_tokens;
  const uint64_t end = start + scheduled.num_scheduled_tokens;
  if (end == start) invalid(plan, name + " is scheduled for no tokens");
  if (end > sequence->token_ids.size()) {
    invalid(plan, name + " has " + std::to_string(sequence->token_ids.size()) + " tokens, position " +
                      std::to_string(end - 1) + " is scheduled");
  }
  if (end > limits_.max_model_len) {
    invalid(plan, name + " would grow beyond " + std::to_string(limits_.max_model_len) + " tokens");
  }
  if (sequence->num_computed_tokens >= 0 && start > static_cast<uint64_t>(sequence->num_computed_tokens)) {
    invalid(plan, name + " is computed up to " + std::to_string(sequence->num_computed_tokens) + ", not " +
                      std::to_string(start));
  }
  if (end > sequence->block_table.size() * limits_.block_size) {
    invalid(plan, name + " has no KV block for position " + std::to_string(end - 1));
  }
  const bool sampled = end == sequence->token_ids.size();
  return {std::move(sequence), scheduled.ubatch_idx, scheduled.num_computed_tokens, scheduled.num_scheduled_tokens,
          sampled};
}

void SequenceTable::commit(const std::vector<ScheduledRows>& rows) {
  for (const ScheduledRows& row : rows) row.sequence->num_computed_tokens = row.start_position + row.num_tokens;
  undo_.clear();
}

void SequenceTable::roll_back() {
  for (auto step = undo_.rbegin(); step != undo_.rend(); ++step) (*step)();
  undo_.clear();
}

FinishReason SequenceTable::append_sampled(Sequence* sequence, int32_t token_id) const {
  sequence->token_ids.push_back(token_id);
  const std::vector<int32_t>& stops = sequence->sampling.stop_token_ids;
  FinishReason reason = FinishReason::none;
  if (std::find(stops.begin(), stops.end(), token_id) != stops.end()) {
    reason = FinishReason::stop;
  } else if (sequence->token_ids.size() - sequence->num_prompt_tokens >= sequence->max_tokens ||
             sequence->token_ids.size() >= limits_.max_model_len) {
    reason = FinishReason::length;
  }
  sequence->finished = reason != FinishReason::none;
  return reason;
}

}  // namespace tandem
