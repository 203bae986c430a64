// Owns the crossings A -> F -> A: frames of a ubatch to every member of an instance, their partial sums checked and added
// along the tree into the residual stream, and another try elsewhere when a member is lost or the epoch has passed. A
// layer is idempotent on the FFN side, so sending it again changes nothing. Engine thread only, but for the counters.
#pragma once

#include <atomic>
#include <vector>

#include "engine/ffn_router.h"
#include "engine/hand_over.h"
#include "engine/ubatch.h"

namespace tandem {

// Rows of one frame at most: bounds slots and the FFN side's scratch.
constexpr size_t kMaxFrameRows = 512;

struct ExchangeCounters {
  std::atomic<uint64_t> frames_sent{0}, frames_resent{0}, bytes_sent{0}, bytes_received{0};
};

// One ubatch at one layer.
class FfnCall {
 public:
  bool done() const { return done_; }

 private:
  friend class FfnExchange;
  // One frame: some rows for one member.
  struct Part {
    size_t member = 0;
    size_t row_begin = 0, num_rows = 0;
    enum class State : uint8_t { unsent, in_flight, answered } state = State::unsent;
    int slot = -1;
    uint64_t frame_id = 0;
    const float* partials = nullptr;  // [roots][num_rows, hidden_size]
    AlignedBuffer<float> local;       // loopback's, or a decoded bf16 answer
  };
  Ubatch* ubatch_ = nullptr;
  size_t layer_idx_ = 0, top_k_ = 0;
  bool done_ = true, routed_ = false, is_retry_ = false;
  SteadyTime deadline_{}, not_before_{};
  std::chrono::milliseconds pause_{1};
  Target target_;
  std::vector<Part> parts_;
};

struct ExchangeOptions {
  size_t hidden_size = 0;
  uint32_t worker_number = 0;
  FrameDtype dtype = FrameDtype::f32;
  std::chrono::milliseconds ffn_timeout{0};
};

class FfnExchange {
 public:
  FfnExchange(const ExchangeOptions& options, FfnRouter& router, ThreadPool& pool)
      : options_(options), router_(router), pool_(pool) {}

  // Begins a crossing of `ubatch`, whose hidden, topk_ids and topk_weights stay as they are until the call is done.
  // `then_waits`: the caller has nothing else to do before an answer.
  void start(FfnCall* call, Ubatch* ubatch, size_t layer_idx, size_t top_k, bool then_waits);
  // Sends, receives, retries; true when a call became done. Throws EngineError ffn_unavailable past a deadline and
  // ffn_answer_invalid. `calls` are all that were started.
  bool advance(const std::vector<FfnCall*>& calls);
  // The earliest moment at which `advance` has something to do by itself.
  SteadyTime next_event(const std::vector<FfnCall*>& calls) const;
  // Gives up on all calls: answers still to come are dropped when they arrive.
  void abandon(const std::vector<FfnCall*>& calls);
  // Adds a done call's output to its ubatch's residual stream.
  void add_to_residual(FfnCall* call);
  const ExchangeCounters& counters() const { return counters_; }

 private:
  using Part = FfnCall::Part;
  void route(FfnCall* call);
  void reroute(FfnCall* call);
  void send_parts(FfnCall* call);
  bool send_part(FfnCall* call, Part* part);
  bool run_local(FfnCall* call, Part* part);
  bool poll(const std::vector<FfnCall*>& calls);
  void answer(FfnCall* call, Part* part, const Reply& reply);
  void refused(FfnCall* call, const Reply& reply);
  bool finish_if_complete(FfnCall* call);
  [[noreturn]] void throw_invalid(const FfnCall& call, const std::string& worker_id, const std::string& reason) const;

  const ExchangeOptions options_;
  FfnRouter& router_;
  ThreadPool& pool_;
  FfnScratch scratch_;                     // loopback
  std::vector<std::byte> encoded_;         // loopback with a dtype other than f32
  std::vector<float> encoded_scales_;
  AlignedBuffer<float> decoded_;
  std::vector<std::shared_ptr<FfnChannel>> active_;  // with frames in flight, abandoned ones included
  uint64_t last_frame_id_ = 0;
  HandOver hand_over_{pool_};
  bool hands_over_ = false;
  ExchangeCounters counters_;
};

}  // namespace tandem
