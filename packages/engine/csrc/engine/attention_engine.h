// Owns the attention side's native engine: plans in, sampled tokens out. One thread runs the steps in order; inside a
// step, ubatches that have no FFN output to work on stand back for those that have. Mirrors packages/engine/src/pipeline.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "engine/attention_layers.h"
#include "engine/ffn_exchange.h"
#include "engine/sampling.h"
#include "engine/sequence_table.h"
#include "model/engine_error.h"

namespace tandem {

struct AttentionEngineConfig {
  ModelConfig model;
  AttentionSideTensors tensors;
  KvOptions kv;
  size_t max_model_len = 0;
  FrameDtype activation_dtype = FrameDtype::f32;
  std::chrono::milliseconds ffn_timeout{0};
  int num_threads = 0;
  Pinning pinning = Pinning::automatic;
  Hello hello;
};

struct AttentionEngineStats {
  uint64_t num_sequences = 0, num_steps = 0;
  uint64_t frames_sent = 0, frames_resent = 0, bytes_sent = 0, bytes_received = 0;
};

class AttentionEngine {
 public:
  // Exactly one of them is set.
  struct Outcome {
    std::unique_ptr<StepResult> result;
    std::unique_ptr<EngineError> error;
  };
  using Done = std::function<void(Outcome)>;

  // Loads the weights. Throws EngineError.
  AttentionEngine(const AttentionEngineConfig& config, LoadProgress progress, FfnDialer::PeerDown peer_down);
  ~AttentionEngine() { stop(); }
  AttentionEngine(const AttentionEngine&) = delete;
  AttentionEngine& operator=(const AttentionEngine&) = delete;

  void set_topology(const FfnTopology& topology) { router_.set_topology(topology); }
  // false when a step runs and another one waits. `done` is called on the engine thread.
  bool submit(StepPlan plan, Done done);
  AttentionEngineStats stats() const;
  uint64_t weight_bytes() const { return layers_.weight_bytes(); }
  const KvPool& kv() const { return layers_.kv(); }
  // Ends the running step, then everything else.
  void stop();
  // The same, without waiting for FFN output that a running step needs.
  void abort();

 private:
  struct Job {
    StepPlan plan;
    Done done;
    uint64_t num_failures = 0;
  };
  // One ubatch on its way through the layers.
  struct Lane {
    Ubatch ubatch;
    FfnCall call;
    size_t num_layers_done = 0;
    bool waiting = false;
    std::vector<ScheduledRows> rows;  // rows[i] is ubatch.sequences[i]
  };
  // A row whose logits are needed.
  struct WantedRow {
    const ScheduledRows* scheduled = nullptr;
    const float* residual = nullptr;
    // Position it scores in the prompt; 0: it is sampled.
    uint32_t scored_position = 0;
  };

  void run();
  bool next_job(Job* job);
  std::unique_ptr<StepResult> run_step(StepPlan& plan);
  void expect_blocks(const StepPlan& plan);
  void lay_out(const StepPlan& plan, const std::vector<ScheduledRows>& rows);
  void lay_out_rows(Lane* lane);
  void run_layers(StepTimings* timings);
  void wait_for_output(std::vector<FfnCall*>* calls, std::deque<Lane*>* ready);
  // Takes lanes whose FFN output is there off `calls` and appends them to `ready`.
  bool collect_ready(std::vector<FfnCall*>* calls, std::deque<Lane*>* ready);
  void advance_lane(Lane* lane, std::vector<FfnCall*>* calls, std::deque<Lane*>* ready, size_t* num_finished);
  void sample(StepResult* result);
  std::vector<WantedRow> wanted_rows() const;

  const AttentionEngineConfig config_;
  std::shared_ptr<Doorbell> doorbell_;
  ThreadPool pool_;
  AttentionLayers layers_;
  std::shared_ptr<IoLoop> io_loop_;
  FfnRouter router_;
  FfnExchange exchange_;
  SequenceTable table_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // reused; the first num_lanes_ are in use
  size_t num_lanes_ = 0;
  std::vector<Sampler> samplers_;  // one per thread

  std::mutex jobs_mutex_;
  std::deque<Job> jobs_;
  size_t jobs_in_flight_ = 0;
  std::atomic<bool> has_jobs_{false}, stopping_{false}, aborting_{false};
  std::atomic<uint64_t> num_failures_{0}, num_steps_{0}, num_sequences_{0};
  std::thread thread_;
};

}  // namespace tandem
