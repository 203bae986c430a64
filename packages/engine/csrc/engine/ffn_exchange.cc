#include "engine/ffn_exchange.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "connector/activation_codec.h"
#include "model/engine_error.h"

namespace tandem {

namespace {

constexpr std::chrono::milliseconds kLastOverloadPause{32};

SteadyTime now() { return std::chrono::steady_clock::now(); }

// The value of a tree node for one row: the partial itself, or left + right.
const float* tree_value(const std::array<const float*, kMaxTreeNode>& partials, int node, size_t count, float* scratch) {
  if (partials[node] != nullptr) return partials[node];
  float* left_scratch = scratch + count;
  const float* left = tree_value(partials, 2 * node, count, left_scratch);
  // The right half must not write over the left half's result.
  float* right_scratch = left == left_scratch ? left_scratch + count : left_scratch;
  const float* right = tree_value(partials, 2 * node + 1, count, right_scratch);
  for (size_t i = 0; i < count; i++) scratch[i] = left[i] + right[i];
  return scratch;
}

// Arrays live at once in tree_value: two per level, three levels of inner nodes.
constexpr size_t kTreeScratchRows = 8;

}  // namespace

void FfnExchange::start(FfnCall* call, Ubatch* ubatch, size_t layer_idx, size_t top_k, bool then_waits) {
  call->ubatch_ = ubatch;
  call->layer_idx_ = layer_idx;
  call->top_k_ = top_k;
  call->done_ = call->routed_ = call->is_retry_ = false;
  call->deadline_ = now() + options_.ffn_timeout;
  call->not_before_ = SteadyTime{};
  call->pause_ = std::chrono::milliseconds(1);
  hands_over_ = then_waits;
  route(call);
  hands_over_ = false;
}

void FfnExchange::route(FfnCall* call) {
  if (!router_.pick(call->ubatch_->ffn_instance, call->ubatch_->ubatch_idx, &call->target_)) return;
  call->routed_ = true;
  const size_t num_rows = call->ubatch_->num_rows;
  const size_t num_members = call->target_.members.size();
  const size_t num_chunks = (num_rows + kMaxFrameRows - 1) / kMaxFrameRows;
  call->parts_.resize(num_members * num_chunks);
  for (size_t i = 0; i < call->parts_.size(); i++) {
    Part& part = call->parts_[i];
    part.member = i % num_members;
    part.row_begin = i / num_members * kMaxFrameRows;
    part.num_rows = std::min(kMaxFrameRows, num_rows - part.row_begin);
    part.state = Part::State::unsent;
    part.slot = -1;
  }
  if (call->is_retry_) counters_.frames_resent += call->parts_.size();
  send_parts(call);
}

void FfnExchange::send_parts(FfnCall* call) {
  for (Part& part : call->parts_) {
    if (part.state != Part::State::unsent) continue;
    const bool sent = call->target_.members[part.member].loopback != nullptr ? run_local(call, &part)
                                                                             : send_part(call, &part);
    if (!call->routed_) return;
    if (!sent) break;  // the window is full: later
  }
}

bool FfnExchange::send_part(FfnCall* call, Part* part) {
  const std::shared_ptr<FfnChannel>& channel = call->target_.members[part->member].channel;
  const Ubatch& ubatch = *call->ubatch_;
  const size_t hidden = options_.hidden_size;
  FrameHeader header = make_a2f_header(static_cast<uint32_t>(part->num_rows), static_cast<uint32_t>(hidden),
                                       options_.dtype, static_cast<uint16_t>(call->top_k_));
  const uint64_t bytes = frame_bytes(header);
  std::byte* frame = channel->begin(bytes, &part->slot);
  if (frame == nullptr) return false;
  header.epoch = call->target_.route->epoch;
  header.worker_number = options_.worker_number;
  header.frame_id = part->frame_id = ++last_frame_id_;
  header.layer_idx = static_cast<uint16_t>(call->layer_idx_);
  header.ubatch_idx = ubatch.ubatch_idx;
  std::memcpy(frame, &header, sizeof header);
  std::byte* values = section_of(frame, header, 0);
  float* scales = reinterpret_cast<float*>(section_of(frame, header, 1));
  const size_t row_bytes = header.section_bytes[0] / part->num_rows;
  const size_t row_scales = header.section_bytes[1] / sizeof(float) / part->num_rows;
  for_rows(pool_, part->num_rows, [&](size_t begin, size_t end) {
    encode_activations(ubatch.hidden.data() + (part->row_begin + begin) * hidden, end - begin, hidden, options_.dtype,
                       values + begin * row_bytes, scales + begin * row_scales);
  });
  if (call->top_k_ > 0) {
    const size_t first = part->row_begin * call->top_k_;
    std::memcpy(section_of(frame, header, 2), ubatch.topk_ids.data() + first, header.section_bytes[2]);
    std::memcpy(section_of(frame, header, 3), ubatch.topk_weights.data() + first, header.section_bytes[3]);
  }
  zero_padding(frame, header);
  part->state = Part::State::in_flight;
  if (hands_over_ && part == &call->parts_.back()) hand_over_.to(channel->peer_doorbell());
  channel->send(part->slot);
  counters_.frames_sent++;
  counters_.bytes_sent += bytes;
  if (std::find(active_.begin(), active_.end(), channel) == active_.end()) active_.push_back(channel);
  return true;
}

// The colocated case: the FFN engine's weights on this engine's threads, rounded as on the wire.
bool FfnExchange::run_local(FfnCall* call, Part* part) {
  const TargetMember& member = call->target_.members[part->member];
  const std::shared_ptr<const FfnShard> shard = member.loopback->shard_of(call->target_.route->epoch);
  if (shard == nullptr || shard->roots().size() != member.member->roots.size()) {
    router_.mark_stale(call->target_.route.get(), "the colocated FFN engine does not serve this epoch");
    reroute(call);
    return false;
  }
  const SteadyTime start = now();
  const Ubatch& ubatch = *call->ubatch_;
  const size_t hidden = options_.hidden_size;
  FfnRows rows;
  rows.num_rows = part->num_rows;
  rows.hidden = ubatch.hidden.data() + part->row_begin * hidden;
  if (options_.dtype != FrameDtype::f32) {
    encoded_.resize(part->num_rows * hidden * sizeof(float));
    encoded_scales_.resize(part->num_rows * ((hidden + kScaleChannels - 1) / kScaleChannels));
    float* decoded = decoded_.reserve(part->num_rows * hidden);
    encode_activations(rows.hidden, part->num_rows, hidden, options_.dtype, encoded_.data(), encoded_scales_.data());
    decode_activations(encoded_.data(), encoded_scales_.data(), part->num_rows, hidden, options_.dtype, decoded);
    rows.hidden = decoded;
  }
  rows.topk_ids = ubatch.topk_ids.data() + part->row_begin * call->top_k_;
  rows.topk_weights = ubatch.topk_weights.data() + part->row_begin * call->top_k_;
  float* partials = part->local.reserve(shard->roots().size() * part->num_rows * hidden);
  for (size_t root = 0; root < shard->roots().size(); root++) {
    rows.roots.push_back(partials + root * part->num_rows * hidden);
  }
  shard->run(call->layer_idx_, {rows}, pool_, &scratch_);
  part->partials = partials;
  part->state = Part::State::answered;
  member.loopback->count_local(part->num_rows, static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now() - start).count()));
  return true;
}

bool FfnExchange::advance(const std::vector<FfnCall*>& calls) {
  poll(calls);
  bool any_done = false;
  for (FfnCall* call : calls) {
    if (call->done_) continue;
    if (call->routed_) {
      for (const TargetMember& member : call->target_.members) {
        if (member.channel == nullptr || !member.channel->closed()) continue;
        reroute(call);
        break;
      }
    }
    if (!call->routed_ && now() >= call->not_before_) route(call);
    else if (call->routed_) send_parts(call);
    any_done = finish_if_complete(call) || any_done;
    if (!call->done_ && now() >= call->deadline_) {
      throw EngineError("ffn_unavailable", {{"layerIdx", static_cast<double>(call->layer_idx_)},
                                            {"timeoutMs", static_cast<double>(options_.ffn_timeout.count())},
                                            {"reason", router_.last_reason()}});
    }
  }
  return any_done;
}

SteadyTime FfnExchange::next_event(const std::vector<FfnCall*>& calls) const {
  SteadyTime next = SteadyTime::max();
  for (const FfnCall* call : calls) {
    if (call->done_) continue;
    next = std::min(next, call->deadline_);
    if (!call->routed_ && call->not_before_ > now()) next = std::min(next, call->not_before_);
  }
  return next;
}

bool FfnExchange::poll(const std::vector<FfnCall*>& calls) {
  bool any = false;
  for (const auto& channel : active_) {
    Reply reply;
    while (channel->poll(&reply)) {
      any = true;
      counters_.bytes_received += frame_bytes(reply.view.header);
      FfnCall* owner = nullptr;
      Part* answered = nullptr;
      for (FfnCall* call : calls) {
        if (call->done_ || !call->routed_) continue;
        for (Part& part : call->parts_) {
          if (part.state != Part::State::in_flight || part.frame_id != reply.view.header.frame_id) continue;
          if (call->target_.members[part.member].channel != channel) continue;
          owner = call;
          answered = &part;
        }
      }
      if (owner == nullptr) channel->release(reply.slot);  // nobody waits for it any more
      else if (reply.view.header.kind == FrameKind::error) refused(owner, reply);
      else answer(owner, answered, reply);
    }
  }
  std::erase_if(active_, [](const auto& channel) { return channel->closed(); });
  return any;
}

void FfnExchange::answer(FfnCall* call, Part* part, const Reply& reply) {
  const TargetMember& member = call->target_.members[part->member];
  const FrameHeader& header = reply.view.header;
  part->slot = reply.slot;
  part->state = Part::State::answered;
  if (header.num_tokens != part->num_rows || header.hidden_size != options_.hidden_size ||
      header.layer_idx != call->layer_idx_) {
    throw_invalid(*call, member.member->link->worker_id(), "other shape or layer");
  }
  const std::vector<SubtreeRoot>& roots = member.member->roots;
  bool expected = header.num_partials == roots.size();
  for (size_t i = 0; expected && i < roots.size(); i++) {
    expected = static_cast<int>(reply.view.section[1][i]) == roots[i].node;
  }
  if (!expected) {
    // The worker was reassigned under the same epoch number.
    router_.mark_stale(call->target_.route.get(), member.member->link->worker_id() + " holds other leaves");
    reroute(call);
    return;
  }
  part->partials = reinterpret_cast<const float*>(reply.view.section[0]);
  if (header.dtype == FrameDtype::bf16) {
    const size_t count = roots.size() * part->num_rows * options_.hidden_size;
    decode_activations(reply.view.section[0], nullptr, roots.size() * part->num_rows, options_.hidden_size,
                       FrameDtype::bf16, part->local.reserve(count));
    part->partials = part->local.data();
  }
}

void FfnExchange::refused(FfnCall* call, const Reply& reply) {
  const FrameStatus status = reply.view.header.status;
  const std::string text = error_text(reply.view);
  std::string worker_id;
  for (Part& part : call->parts_) {
    if (part.frame_id != reply.view.header.frame_id) continue;
    part.slot = reply.slot;
    part.state = Part::State::answered;
    worker_id = call->target_.members[part.member].member->link->worker_id();
  }
  if (status == FrameStatus::stale_epoch) {
    router_.mark_stale(call->target_.route.get(), worker_id + ": " + text);
    reroute(call);
  } else if (status == FrameStatus::overloaded) {
    call->not_before_ = now() + call->pause_;
    call->pause_ = std::min(call->pause_ * 2, kLastOverloadPause);
    reroute(call);
  } else {
    throw_invalid(*call, worker_id, text);
  }
}

// Forgets what was sent: answers that still come are released when they do.
void FfnExchange::reroute(FfnCall* call) {
  for (Part& part : call->parts_) {
    if (part.state == Part::State::answered && part.slot >= 0) {
      call->target_.members[part.member].channel->release(part.slot);
    }
    part.state = Part::State::unsent;
    part.slot = -1;
  }
  call->parts_.clear();
  call->routed_ = false;
  call->is_retry_ = true;
}

void FfnExchange::abandon(const std::vector<FfnCall*>& calls) {
  for (FfnCall* call : calls) {
    if (call->done_) continue;
    if (call->routed_) reroute(call);
    call->done_ = true;
  }
}

bool FfnExchange::finish_if_complete(FfnCall* call) {
  if (!call->routed_ || call->parts_.empty()) return false;
  for (const Part& part : call->parts_) {
    if (part.state != Part::State::answered) return false;
  }
  call->done_ = true;
  return true;
}

void FfnExchange::add_to_residual(FfnCall* call) {
  const size_t hidden = options_.hidden_size;
  const size_t num_members = call->target_.members.size();
  float* residual = call->ubatch_->residual.data();
  for_rows(pool_, call->ubatch_->num_rows, [&](size_t begin, size_t end) {
    // One worker that holds everything sent the tree's root: nothing is left to add.
    const bool whole = num_members == 1 && call->target_.members[0].member->roots.size() == 1;
    std::vector<float> scratch(whole ? 0 : kTreeScratchRows * hidden);
    for (size_t row = begin; row < end; row++) {
      std::array<const float*, kMaxTreeNode> partials{};
      const size_t first_part = row / kMaxFrameRows * num_members;
      for (size_t i = first_part; i < first_part + num_members; i++) {
        const Part& part = call->parts_[i];
        const std::vector<SubtreeRoot>& roots = call->target_.members[part.member].member->roots;
        for (size_t root = 0; root < roots.size(); root++) {
          partials[roots[root].node] = part.partials + (root * part.num_rows + row - part.row_begin) * hidden;
        }
      }
      const float* output = tree_value(partials, 1, hidden, scratch.data());
      add_rows(output, hidden, 1, hidden, residual + row * hidden, hidden);
    }
  });
  for (Part& part : call->parts_) {
    if (part.slot >= 0) call->target_.members[part.member].channel->release(part.slot);
    part.slot = -1;
  }
}

void FfnExchange::throw_invalid(const FfnCall& call, const std::string& worker_id, const std::string& reason) const {
  throw EngineError("ffn_answer_invalid", {{"workerId", worker_id},
                                           {"layerIdx", static_cast<double>(call.layer_idx_)},
                                           {"reason", reason}});
}

}  // namespace tandem
