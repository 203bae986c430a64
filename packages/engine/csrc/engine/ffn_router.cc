#include "engine/ffn_router.h"

#include <algorithm>
#include <exception>

namespace tandem {

namespace {

bool target_of(const std::shared_ptr<Route>& route, const RouteInstance& instance, Target* target) {
  target->route = route;
  target->members.clear();
  for (const RouteMember& member : instance.members) {
    TargetMember reached{&member, member.link->channel(), member.link->loopback()};
    if (reached.channel != nullptr && reached.channel->closed()) return false;
    if (reached.channel == nullptr && reached.loopback == nullptr) return false;
    target->members.push_back(std::move(reached));
  }
  return !target->members.empty();
}

}  // namespace

FfnRouter::FfnRouter(ConnectContext context, FfnDialer::PeerDown peer_down)
    : doorbell_(context.doorbell),
      peer_down_(std::move(peer_down)),
      dialer_(std::move(context), [this](const std::string& worker_id, const std::string& reason) {
        {
          std::lock_guard<std::mutex> lock(mutex_);
          last_reason_ = worker_id + ": " + reason;
        }
        peer_down_(worker_id, reason);
      }) {}

void FfnRouter::set_topology(const FfnTopology& topology) {
  std::lock_guard<std::mutex> one_at_a_time(topology_mutex_);
  auto route = std::make_shared<Route>();
  route->epoch = topology.epoch;
  std::vector<std::shared_ptr<FfnLink>> fresh;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const FfnInstance& instance : topology.instances) {
      RouteInstance& added = route->instances.emplace_back();
      added.instance_idx = instance.instance_idx;
      for (const FfnMember& member : instance.members) {
        added.members.push_back({link_to(member), subtree_roots(member.shards)});
        if (!added.members.back().link->up()) fresh.push_back(added.members.back().link);
      }
    }
    routes_.insert(routes_.begin(), route);
    if (routes_.size() > 2) routes_.resize(2);
  }
  drop_unused_links();
  std::exception_ptr failure;
  for (const auto& link : fresh) {
    try {
      dialer_.dial(link);
    } catch (const std::exception& error) {
      if (failure == nullptr) failure = std::current_exception();
      std::lock_guard<std::mutex> lock(mutex_);
      last_reason_ = link->worker_id() + " cannot be reached";
    }
  }
  if (failure == nullptr) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      routes_.resize(1);
    }
    drop_unused_links();
  }
  doorbell_->ring();
  if (failure != nullptr) std::rethrow_exception(failure);
}

std::shared_ptr<FfnLink> FfnRouter::link_to(const FfnMember& member) {
  for (const auto& link : links_) {
    if (link->reaches(member.worker_id, member.endpoints)) return link;
  }
  links_.push_back(std::make_shared<FfnLink>(member.worker_id, member.endpoints));
  return links_.back();
}

// Frames in flight on a link that is dropped are sent again on the newest route.
void FfnRouter::drop_unused_links() {
  std::vector<std::shared_ptr<FfnLink>> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto used = [&](const std::shared_ptr<FfnLink>& link) {
      for (const auto& route : routes_) {
        for (const RouteInstance& instance : route->instances) {
          for (const RouteMember& member : instance.members) {
            if (member.link == link) return true;
          }
        }
      }
      return false;
    };
    std::erase_if(links_, [&](const std::shared_ptr<FfnLink>& link) {
      if (used(link)) return false;
      dropped.push_back(link);
      return true;
    });
  }
  for (const auto& link : dropped) dialer_.drop(link);
}

bool FfnRouter::pick(int preferred_instance, size_t ubatch_idx, Target* target) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& route : routes_) {
    if (route->stale.load(std::memory_order_relaxed)) continue;
    const size_t count = route->instances.size();
    for (const RouteInstance& instance : route->instances) {
      if (instance.instance_idx == preferred_instance && target_of(route, instance, target)) return true;
    }
    for (size_t i = 0; i < count; i++) {
      if (target_of(route, route->instances[(ubatch_idx + i) % count], target)) return true;
    }
  }
  return false;
}

void FfnRouter::mark_stale(Route* route, const std::string& reason) {
  route->stale.store(true, std::memory_order_relaxed);
  std::lock_guard<std::mutex> lock(mutex_);
  last_reason_ = reason;
}

std::string FfnRouter::last_reason() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return last_reason_;
}

void FfnRouter::close() {
  dialer_.stop();
  std::vector<std::shared_ptr<FfnLink>> links;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    routes_.clear();
    links.swap(links_);
  }
  for (const auto& link : links) dialer_.drop(link);
}

}  // namespace tandem
