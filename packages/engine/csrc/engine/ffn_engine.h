// Owns an FFN worker's native loop: takes whatever frames wait, from any attention worker, merges those of one layer,
// computes and answers in place. One thread computes (with the compute pool); nothing here calls JavaScript.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "connector/connector.h"
#include "engine/ffn_shard.h"
#include "engine/hand_over.h"

namespace tandem {

struct FfnEngineConfig {
  ModelConfig model;
  FfnSideTensors tensors;
  int num_threads = 0;
  Pinning pinning = Pinning::automatic;
  size_t max_queued_frames = 64;
  Hello hello;
  // Empty: no such listener.
  std::string shm_path;
  std::string tcp_host;
  int tcp_port = 0;
  std::string loopback_name;
};

struct FfnEngineStats {
  uint64_t num_frames = 0, num_batches = 0, num_tokens = 0;
  uint64_t refused[kNumFrameStatuses] = {};
  uint64_t compute_us = 0, idle_us = 0;
  uint64_t queue_length = 0;
};

class FfnEngine : public std::enable_shared_from_this<FfnEngine> {
 public:
  explicit FfnEngine(FfnEngineConfig config);
  ~FfnEngine();
  FfnEngine(const FfnEngine&) = delete;
  FfnEngine& operator=(const FfnEngine&) = delete;

  // Makes it reachable under its loopback name.
  void publish_loopback();
  std::string shm_address() const;
  std::string tcp_address() const;

  // Loads what the leaves need and accepts frames of `epoch` from then on. Blocks; one caller at a time.
  void assign(uint32_t epoch, FfnSplit split, LeafRange leaves, LoadProgress progress);
  // Refuses epochs below and whatever was assigned before it; drops leaves only they used.
  void retire(uint32_t epoch);
  uint64_t weight_bytes() const;
  FfnEngineStats stats() const;
  // Ends the loop and the listeners. Peers see the end of their channel.
  void stop();

  const FfnEngineConfig& config() const { return config_; }
  // Loopback: computes on the caller's threads. `stale_epoch` when the epoch is unknown here.
  std::shared_ptr<const FfnShard> shard_of(uint32_t epoch) const;
  // The one held for some epoch, or null.
  std::shared_ptr<const FfnShard> find_shard(FfnSplit split, LeafRange leaves) const;
  void count_local(size_t num_tokens, uint64_t compute_us);

 private:
  void run();
  bool collect();
  void take_batch(std::vector<Delivery>* batch);
  FrameStatus check(const FrameHeader& header, const FrameView& view) const;
  void compute_or_refuse(std::vector<Delivery>& batch);
  void compute(std::vector<Delivery>& batch);
  void refuse(const Delivery& delivery, FrameStatus status, const std::string& text);

  const FfnEngineConfig config_;
  std::shared_ptr<IoLoop> io_loop_;
  std::shared_ptr<Doorbell> doorbell_;
  std::shared_ptr<PeerSet> peers_;
  std::unique_ptr<FfnListener> shm_, tcp_;
  ThreadPool pool_;
  HandOver hand_over_{pool_};

  mutable std::mutex shards_mutex_;
  // By epoch, oldest assignment first. A restarted scheduler may count epochs from the beginning.
  std::vector<std::pair<uint32_t, std::shared_ptr<const FfnShard>>> shards_;

  // Engine thread only.
  std::deque<Delivery> queue_;
  FfnScratch scratch_;
  std::vector<AlignedBuffer<float>> decoded_;
  std::array<uint64_t, kNumFrameStatuses> refused_by_peers_{};

  struct Counters {
    std::atomic<uint64_t> num_frames{0}, num_batches{0}, num_tokens{0}, compute_us{0}, idle_us{0}, queue_length{0};
    std::atomic<uint64_t> refused[kNumFrameStatuses]{};
  };
  Counters counters_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// The engine published under a loopback name in this process, or null.
std::shared_ptr<FfnEngine> find_loopback(const std::string& name);

}  // namespace tandem
