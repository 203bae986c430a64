#include "engine/ffn_engine.h"

#include <pthread.h>

#include <algorithm>
#include <cstring>

#include "connector/activation_codec.h"
#include "model/engine_error.h"
#include "threads/process_placement.h"

namespace tandem {

namespace {

// Rows merged into one execution of a layer: bounds the scratch; more rows would not read weights less often in a cache-sized tile.
constexpr size_t kMaxBatchRows = 512;

uint64_t microseconds_since(SteadyTime start) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count());
}

std::mutex& loopback_mutex() {
  static std::mutex mutex;
  return mutex;
}
std::map<std::string, std::weak_ptr<FfnEngine>>& loopback_engines() {
  static std::map<std::string, std::weak_ptr<FfnEngine>> engines;
  return engines;
}

}  // namespace

std::shared_ptr<FfnEngine> find_loopback(const std::string& name) {
  std::lock_guard<std::mutex> lock(loopback_mutex());
  const auto found = loopback_engines().find(name);
  return found == loopback_engines().end() ? nullptr : found->second.lock();
}

FfnEngine::FfnEngine(FfnEngineConfig config)
    : config_(std::move(config)),
      io_loop_(std::make_shared<IoLoop>()),
      doorbell_(std::make_shared<Doorbell>()),
      peers_(std::make_shared<PeerSet>(doorbell_)),
      pool_(placed_pool({config_.num_threads, config_.pinning, -1, doorbell_->crew()})) {
  if (pool_.is_bound()) doorbell_->fill_cores();
  const ListenContext context{io_loop_, peers_, config_.hello};
  if (!config_.shm_path.empty()) shm_ = listen_shm(config_.shm_path, context);
  if (!config_.tcp_host.empty()) tcp_ = listen_tcp(config_.tcp_host, config_.tcp_port, context);
  thread_ = std::thread([this] { run(); });
}

FfnEngine::~FfnEngine() { stop(); }

void FfnEngine::publish_loopback() {
  if (config_.loopback_name.empty()) return;
  std::lock_guard<std::mutex> lock(loopback_mutex());
  loopback_engines()[config_.loopback_name] = weak_from_this();
}

std::string FfnEngine::shm_address() const { return shm_ == nullptr ? "" : shm_->address(); }
std::string FfnEngine::tcp_address() const { return tcp_ == nullptr ? "" : tcp_->address(); }

void FfnEngine::stop() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard<std::mutex> lock(loopback_mutex());
    loopback_engines().erase(config_.loopback_name);
  }
  shm_.reset();
  tcp_.reset();
  stopping_ = true;
  doorbell_->ring();
  thread_.join();
  queue_.clear();
  io_loop_->stop();
  peers_->close_all();
}

void FfnEngine::assign(uint32_t epoch, FfnSplit split, LeafRange leaves, LoadProgress progress) {
  std::shared_ptr<const FfnShard> shard = find_shard(split, leaves);
  if (shard == nullptr) {
    shard = std::make_shared<FfnShard>(config_.model, config_.tensors, split, leaves, std::move(progress));
  }
  std::lock_guard<std::mutex> lock(shards_mutex_);
  std::erase_if(shards_, [&](const auto& held) { return held.first == epoch; });
  shards_.emplace_back(epoch, std::move(shard));
}

void FfnEngine::retire(uint32_t epoch) {
  std::vector<std::shared_ptr<const FfnShard>> dropped;  // freed after the lock
  std::lock_guard<std::mutex> lock(shards_mutex_);
  const auto position = std::find_if(shards_.begin(), shards_.end(), [&](const auto& held) { return held.first == epoch; });
  const size_t num_older = position == shards_.end() ? 0 : static_cast<size_t>(position - shards_.begin());
  size_t i = 0;
  std::erase_if(shards_, [&](auto& held) {
    const bool outdated = i++ < num_older || held.first < epoch;
    if (outdated) dropped.push_back(std::move(held.second));
    return outdated;
  });
}

uint64_t FfnEngine::weight_bytes() const {
  std::lock_guard<std::mutex> lock(shards_mutex_);
  std::vector<const FfnShard*> seen;
  uint64_t bytes = 0;
  for (const auto& [epoch, shard] : shards_) {
    if (std::find(seen.begin(), seen.end(), shard.get()) != seen.end()) continue;
    seen.push_back(shard.get());
    bytes += shard->weight_bytes();
  }
  return bytes;
}

std::shared_ptr<const FfnShard> FfnEngine::shard_of(uint32_t epoch) const {
  std::lock_guard<std::mutex> lock(shards_mutex_);
  for (const auto& [held_epoch, shard] : shards_) {
    if (held_epoch == epoch) return shard;
  }
  return nullptr;
}

std::shared_ptr<const FfnShard> FfnEngine::find_shard(FfnSplit split, LeafRange leaves) const {
  std::lock_guard<std::mutex> lock(shards_mutex_);
  for (const auto& [held_epoch, shard] : shards_) {
    if (shard->split() == split && shard->leaves() == leaves) return shard;
  }
  return nullptr;
}

void FfnEngine::count_local(size_t num_tokens, uint64_t compute_us) {
  counters_.num_frames.fetch_add(1, std::memory_order_relaxed);
  counters_.num_batches.fetch_add(1, std::memory_order_relaxed);
  counters_.num_tokens.fetch_add(num_tokens, std::memory_order_relaxed);
  counters_.compute_us.fetch_add(compute_us, std::memory_order_relaxed);
}

FfnEngineStats FfnEngine::stats() const {
  FfnEngineStats stats;
  stats.num_frames = counters_.num_frames;
  stats.num_batches = counters_.num_batches;
  stats.num_tokens = counters_.num_tokens;
  stats.compute_us = counters_.compute_us;
  stats.idle_us = counters_.idle_us;
  stats.queue_length = counters_.queue_length;
  for (int i = 0; i < kNumFrameStatuses; i++) {
    stats.refused[i] = counters_.refused[i] + peers_->refused(static_cast<FrameStatus>(i));
  }
  return stats;
}

void FfnEngine::run() {
  ::pthread_setname_np(::pthread_self(), "tandem-ffn");
  pool_.bind_caller();
  std::vector<Delivery> batch;
  while (!stopping_) {
    const SteadyTime idle_start = std::chrono::steady_clock::now();
    const auto ready = [this] { return collect() || stopping_.load(std::memory_order_relaxed); };
    if (!doorbell_->wait_awake(ready)) {
      pool_.hand_over();
      doorbell_->wait_asleep(ready, [] { return SteadyTime::max(); });
    }
    counters_.idle_us.fetch_add(microseconds_since(idle_start), std::memory_order_relaxed);
    while (!queue_.empty() && !stopping_) {
      const SteadyTime start = std::chrono::steady_clock::now();
      take_batch(&batch);
      if (!batch.empty()) compute_or_refuse(batch);
      counters_.compute_us.fetch_add(microseconds_since(start), std::memory_order_relaxed);
      collect();
    }
  }
}

// Moves what the peers sent into the queue; true when something waits.
bool FfnEngine::collect() {
  for (const auto& peer : peers_->current()) {
    Delivery delivery;
    while (peer->poll(&delivery, &refused_by_peers_)) {
      if (queue_.size() >= config_.max_queued_frames) {
        refuse(delivery, FrameStatus::overloaded, "too many frames wait");
      } else {
        queue_.push_back(std::move(delivery));
      }
    }
  }
  for (int i = 0; i < kNumFrameStatuses; i++) {
    if (refused_by_peers_[i] == 0) continue;
    counters_.refused[i].fetch_add(refused_by_peers_[i], std::memory_order_relaxed);
    refused_by_peers_[i] = 0;
  }
  counters_.queue_length.store(queue_.size(), std::memory_order_relaxed);
  return !queue_.empty();
}

FrameStatus FfnEngine::check(const FrameHeader& header, const FrameView& view) const {
  if (header.layer_idx >= config_.model.num_layers) return FrameStatus::unknown_layer;
  const FfnConfig& ffn = config_.model.ffn[header.layer_idx];
  if (header.hidden_size != config_.model.hidden_size || header.top_k != ffn.top_k()) return FrameStatus::malformed;
  const auto* ids = reinterpret_cast<const uint16_t*>(view.section[2]);
  for (size_t i = 0; i < size_t{header.num_tokens} * header.top_k; i++) {
    if (ids[i] >= ffn.num_experts) return FrameStatus::malformed;
  }
  return FrameStatus::ok;
}

void FfnEngine::refuse(const Delivery& delivery, FrameStatus status, const std::string& text) {
  counters_.refused[static_cast<size_t>(status)].fetch_add(1, std::memory_order_relaxed);
  delivery.peer->refuse(delivery, status, text);
}

// The oldest frame, and every waiting one of the same layer and epoch.
void FfnEngine::take_batch(std::vector<Delivery>* batch) {
  batch->clear();
  const FrameHeader first = queue_.front().view.header;
  size_t num_rows = 0;
  for (auto it = queue_.begin(); it != queue_.end();) {
    const FrameHeader& header = it->view.header;
    const bool fits = batch->empty() || num_rows + header.num_tokens <= kMaxBatchRows;
    if (header.layer_idx != first.layer_idx || header.epoch != first.epoch || !fits) {
      ++it;
      continue;
    }
    const FrameStatus status = it->peer->closed() ? FrameStatus::internal : check(header, it->view);
    if (status == FrameStatus::ok) {
      num_rows += header.num_tokens;
      batch->push_back(std::move(*it));
    } else if (!it->peer->closed()) {
      refuse(*it, status, "the frame does not fit this model");
    }
    it = queue_.erase(it);
  }
}

void FfnEngine::compute_or_refuse(std::vector<Delivery>& batch) {
  try {
    compute(batch);
  } catch (const std::bad_alloc&) {
    for (const Delivery& delivery : batch) refuse(delivery, FrameStatus::internal, "out of memory");
  }
}

void FfnEngine::compute(std::vector<Delivery>& batch) {
  const SteadyTime start = std::chrono::steady_clock::now();
  const FrameHeader& first = batch.front().view.header;
  const std::shared_ptr<const FfnShard> shard = shard_of(first.epoch);
  if (shard == nullptr) {
    for (const Delivery& delivery : batch) {
      refuse(delivery, FrameStatus::stale_epoch, "epoch " + std::to_string(first.epoch) + " is not served here");
    }
    return;
  }
  const size_t hidden = config_.model.hidden_size;
  const auto num_roots = static_cast<uint16_t>(shard->roots().size());
  std::vector<FfnRows> frames;
  std::vector<FrameHeader> replies;
  std::vector<std::byte*> memories;
  while (decoded_.size() < batch.size()) decoded_.emplace_back();
  std::erase_if(batch, [&](const Delivery& delivery) {
    const FrameHeader reply = make_f2a_header(delivery.view.header, num_roots);
    std::byte* memory = delivery.peer->begin_reply(delivery.slot, frame_bytes(reply));
    if (memory == nullptr) {
      refuse(delivery, FrameStatus::oversized, "the answer does not fit");
      return true;
    }
    replies.push_back(reply);
    memories.push_back(memory);
    return false;
  });
  for (size_t i = 0; i < batch.size(); i++) {
    const FrameView& view = batch[i].view;
    FfnRows rows;
    rows.num_rows = view.header.num_tokens;
    rows.hidden = reinterpret_cast<const float*>(view.section[0]);
    if (view.header.dtype != FrameDtype::f32) {
      float* values = decoded_[i].reserve(rows.num_rows * hidden);
      decode_activations(view.section[0], reinterpret_cast<const float*>(view.section[1]), rows.num_rows, hidden,
                         view.header.dtype, values);
      rows.hidden = values;
    }
    rows.topk_ids = reinterpret_cast<const uint16_t*>(view.section[2]);
    rows.topk_weights = reinterpret_cast<const float*>(view.section[3]);
    auto* partials = reinterpret_cast<float*>(section_of(memories[i], replies[i], 0));
    for (int root = 0; root < num_roots; root++) rows.roots.push_back(partials + root * rows.num_rows * hidden);
    frames.push_back(std::move(rows));
    counters_.num_tokens.fetch_add(view.header.num_tokens, std::memory_order_relaxed);
  }
  if (batch.empty()) return;
  shard->run(first.layer_idx, frames, pool_, &scratch_);
  counters_.num_frames.fetch_add(batch.size(), std::memory_order_relaxed);
  counters_.num_batches.fetch_add(1, std::memory_order_relaxed);

  const bool waits_next = !collect();
  const auto compute_us = static_cast<uint32_t>(microseconds_since(start));
  for (size_t i = 0; i < batch.size(); i++) {
    replies[i].compute_us = compute_us;
    std::byte* nodes = section_of(memories[i], replies[i], 1);
    for (int root = 0; root < num_roots; root++) nodes[root] = static_cast<std::byte>(shard->roots()[root].node);
    std::memcpy(memories[i], &replies[i], sizeof(FrameHeader));
    zero_padding(memories[i], replies[i]);
    if (waits_next && i + 1 == batch.size()) hand_over_.to(batch[i].peer->peer_doorbell());
    batch[i].peer->send_reply(batch[i].slot, frame_bytes(replies[i]));
  }
}

}  // namespace tandem
