// Owns where frames go: the newest topology whose members can be reached, and the older one while its successor is still
// connecting. Sends nothing itself.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/ffn_link.h"
#include "engine/shard_tree.h"

namespace tandem {

struct FfnMember {
  std::string worker_id;
  LeafRange shards;
  std::vector<FfnEndpoint> endpoints;
};
struct FfnInstance {
  int instance_idx = 0;
  std::vector<FfnMember> members;
};
struct FfnTopology {
  uint32_t epoch = 0;
  std::vector<FfnInstance> instances;
};

struct RouteMember {
  std::shared_ptr<FfnLink> link;
  // What its answer must carry, in this order.
  std::vector<SubtreeRoot> roots;
};
struct RouteInstance {
  int instance_idx = 0;
  std::vector<RouteMember> members;
};
// One topology. Stale once a member refused its epoch: never used again.
struct Route {
  uint32_t epoch = 0;
  std::vector<RouteInstance> instances;
  std::atomic<bool> stale{false};
};

struct TargetMember {
  const RouteMember* member = nullptr;
  std::shared_ptr<FfnChannel> channel;   // or
  std::shared_ptr<FfnEngine> loopback;
};
struct Target {
  std::shared_ptr<Route> route;
  std::vector<TargetMember> members;
};

class FfnRouter {
 public:
  FfnRouter(ConnectContext context, FfnDialer::PeerDown peer_down);
  ~FfnRouter() { close(); }

  // Takes the topology as the newest one and connects. Blocks; throws EngineError of the first member that cannot be
  // reached, which stays in the topology and is dialled again.
  void set_topology(const FfnTopology& topology);
  // The instance for a ubatch, all of its members connected; false when there is none now. Engine thread.
  bool pick(int preferred_instance, size_t ubatch_idx, Target* target);
  void mark_stale(Route* route, const std::string& reason);
  // Why the last frame could not be delivered, for messages.
  std::string last_reason() const;
  void close();

 private:
  std::shared_ptr<FfnLink> link_to(const FfnMember& member);
  void drop_unused_links();

  const std::shared_ptr<Doorbell> doorbell_;
  const FfnDialer::PeerDown peer_down_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Route>> routes_;  // newest first, at most two
  std::vector<std::shared_ptr<FfnLink>> links_;
  std::string last_reason_ = "no topology has been set";
  std::mutex topology_mutex_;  // one set_topology at a time
  FfnDialer dialer_;
};

}  // namespace tandem
