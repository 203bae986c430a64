// Owns the connections to FFN workers: which endpoint, dialling, dialling again. A link that is down keeps trying until it
// is dropped; whether the worker still belongs to the topology is not its business.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "connector/connector.h"
#include "engine/ffn_engine.h"

namespace tandem {

enum class EndpointKind { loopback, shm, tcp };

struct FfnEndpoint {
  EndpointKind kind = EndpointKind::shm;
  std::string address;
  bool operator==(const FfnEndpoint&) const = default;
};

// One FFN worker. `channel` and `loopback` are both null while it cannot be reached.
class FfnLink {
 public:
  FfnLink(std::string worker_id, std::vector<FfnEndpoint> endpoints)
      : worker_id_(std::move(worker_id)), endpoints_(std::move(endpoints)) {}

  const std::string& worker_id() const { return worker_id_; }
  bool reaches(const std::string& worker_id, const std::vector<FfnEndpoint>& endpoints) const {
    return worker_id == worker_id_ && endpoints == endpoints_;
  }
  std::shared_ptr<FfnChannel> channel() const;
  std::shared_ptr<FfnEngine> loopback() const;
  bool up() const { return channel() != nullptr || loopback() != nullptr; }

 private:
  friend class FfnDialer;
  const std::string worker_id_;
  const std::vector<FfnEndpoint> endpoints_;
  mutable std::mutex mutex_;
  std::shared_ptr<FfnChannel> channel_;
  std::shared_ptr<FfnEngine> loopback_;
  bool dropped_ = false;
  // Dialer's.
  SteadyTime next_attempt_ = SteadyTime::max();
  std::chrono::milliseconds retry_{0};
};

class FfnDialer {
 public:
  using PeerDown = std::function<void(const std::string& worker_id, const std::string& reason)>;
  FfnDialer(ConnectContext context, PeerDown peer_down);
  ~FfnDialer();

  // Tries every endpoint, in order. Throws EngineError connect_failed with the last reason; a link that failed is tried
  // again in the background.
  void dial(const std::shared_ptr<FfnLink>& link);
  // Closes the link's channel for good.
  void drop(const std::shared_ptr<FfnLink>& link);
  void stop();

 private:
  void attempt(const std::shared_ptr<FfnLink>& link);
  void lost(const std::weak_ptr<FfnLink>& link, const FfnChannel* channel, const std::string& reason);
  void retry_later(const std::shared_ptr<FfnLink>& link, std::chrono::milliseconds delay);
  void run();

  const ConnectContext context_;
  const PeerDown peer_down_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<std::shared_ptr<FfnLink>> retries_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tandem
