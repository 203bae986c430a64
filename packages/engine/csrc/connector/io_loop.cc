#include "connector/io_loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace tandem {

IoLoop::IoLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!epoll_.valid() || !wake_.valid()) throw std::system_error(errno, std::generic_category(), "epoll");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_.get();
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  thread_ = std::thread([this] { run(); });
}

IoLoop::~IoLoop() { stop(); }

void IoLoop::add(int fd, uint32_t events, std::shared_ptr<IoHandler> handler) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    handlers_[fd] = std::move(handler);
  }
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void IoLoop::modify(int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void IoLoop::remove(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  std::shared_ptr<IoHandler> dropped;
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = handlers_.find(fd);
  if (found == handlers_.end()) return;
  // Destroyed after the lock is gone: the handler's destructor may come back here.
  dropped = std::move(found->second);
  handlers_.erase(found);
}

void IoLoop::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  const uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof one) < 0 && errno != EAGAIN) std::abort();
  thread_.join();
  std::unordered_map<int, std::shared_ptr<IoHandler>> dropped;
  std::lock_guard<std::mutex> lock(mutex_);
  dropped.swap(handlers_);
}

std::shared_ptr<IoHandler> IoLoop::find(int fd) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = handlers_.find(fd);
  return found == handlers_.end() ? nullptr : found->second;
}

void IoLoop::run() {
  ::pthread_setname_np(::pthread_self(), "tandem-io");
  epoll_event events[32];
  while (!stopping_) {
    const int count = ::epoll_wait(epoll_.get(), events, 32, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.fd == wake_.get()) continue;
      const std::shared_ptr<IoHandler> handler = find(events[i].data.fd);
      if (handler != nullptr) handler->on_io(events[i].events);
    }
  }
}

}  // namespace tandem
