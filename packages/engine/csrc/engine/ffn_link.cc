#include "engine/ffn_link.h"

#include <pthread.h>

#include <algorithm>

#include "model/engine_error.h"

namespace tandem {

namespace {

constexpr std::chrono::milliseconds kFirstRetry{50};
constexpr std::chrono::milliseconds kLastRetry{2000};

std::shared_ptr<FfnChannel> connect(const FfnEndpoint& endpoint, const ConnectContext& context) {
  if (endpoint.kind == EndpointKind::shm) return connect_shm(endpoint.address, context);
  const size_t colon = endpoint.address.rfind(':');
  std::string host = endpoint.address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return connect_tcp(host, std::stoi(endpoint.address.substr(colon + 1)), context);
}

}  // namespace

std::shared_ptr<FfnChannel> FfnLink::channel() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return channel_;
}

std::shared_ptr<FfnEngine> FfnLink::loopback() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return loopback_;
}

FfnDialer::FfnDialer(ConnectContext context, PeerDown peer_down)
    : context_(std::move(context)), peer_down_(std::move(peer_down)), thread_([this] { run(); }) {}

FfnDialer::~FfnDialer() { stop(); }

void FfnDialer::stop() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void FfnDialer::dial(const std::shared_ptr<FfnLink>& link) {
  try {
    attempt(link);
  } catch (const EngineError& error) {
    retry_later(link, kFirstRetry);
    throw;
  }
}

void FfnDialer::attempt(const std::shared_ptr<FfnLink>& link) {
  std::string reason = "it offers no connector that this side speaks";
  for (const FfnEndpoint& endpoint : link->endpoints_) {
    try {
      std::shared_ptr<FfnChannel> channel;
      std::shared_ptr<FfnEngine> loopback;
      if (endpoint.kind == EndpointKind::loopback) {
        loopback = find_loopback(endpoint.address);
        if (loopback == nullptr) throw ConnectError(FrameStatus::internal, "no such engine in this process");
      } else {
        channel = connect(endpoint, context_);
      }
      {
        std::lock_guard<std::mutex> lock(link->mutex_);
        if (link->dropped_) {
          if (channel != nullptr) channel->close("dropped");
          return;
        }
        link->channel_ = channel;
        link->loopback_ = loopback;
      }
      if (channel != nullptr) {
        channel->on_close([this, weak = std::weak_ptr<FfnLink>(link), raw = channel.get()](const std::string& why) {
          lost(weak, raw, why);
        });
      }
      context_.doorbell->ring();
      return;
    } catch (const std::exception& error) {
      reason = endpoint.address + ": " + error.what();
    }
  }
  throw EngineError("connect_failed", {{"workerId", link->worker_id()}, {"reason", reason}});
}

void FfnDialer::lost(const std::weak_ptr<FfnLink>& weak, const FfnChannel* channel, const std::string& reason) {
  const std::shared_ptr<FfnLink> link = weak.lock();
  if (link == nullptr) return;
  {
    std::lock_guard<std::mutex> lock(link->mutex_);
    if (link->dropped_ || link->channel_.get() != channel) return;
    link->channel_.reset();
  }
  peer_down_(link->worker_id(), reason);
  retry_later(link, kFirstRetry);
}

void FfnDialer::drop(const std::shared_ptr<FfnLink>& link) {
  std::shared_ptr<FfnChannel> channel;
  {
    std::lock_guard<std::mutex> lock(link->mutex_);
    link->dropped_ = true;
    channel = std::move(link->channel_);
    link->loopback_.reset();
  }
  if (channel != nullptr) channel->close("dropped by this side");
  std::lock_guard<std::mutex> lock(mutex_);
  retries_.remove(link);
}

void FfnDialer::retry_later(const std::shared_ptr<FfnLink>& link, std::chrono::milliseconds delay) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    link->retry_ = delay;
    link->next_attempt_ = std::chrono::steady_clock::now() + delay;
    if (std::find(retries_.begin(), retries_.end(), link) == retries_.end()) retries_.push_back(link);
  }
  changed_.notify_all();
}

void FfnDialer::run() {
  ::pthread_setname_np(::pthread_self(), "tandem-dial");
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    SteadyTime next = SteadyTime::max();
    for (const auto& link : retries_) next = std::min(next, link->next_attempt_);
    if (next == SteadyTime::max()) {
      changed_.wait(lock);
      continue;
    }
    if (next > std::chrono::steady_clock::now()) {
      changed_.wait_until(lock, next);
      continue;
    }
    const auto due = std::find_if(retries_.begin(), retries_.end(), [&](const auto& link) {
      return link->next_attempt_ == next;
    });
    const std::shared_ptr<FfnLink> link = *due;
    retries_.erase(due);
    const std::chrono::milliseconds delay = std::min(link->retry_ * 2, kLastRetry);
    lock.unlock();
    try {
      attempt(link);
    } catch (const EngineError&) {
      retry_later(link, delay);
    }
    lock.lock();
  }
}

}  // namespace tandem
