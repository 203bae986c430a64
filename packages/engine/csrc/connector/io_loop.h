// Owns one thread that waits on sockets (epoll) for an engine: listeners, tcp connections and the shm control
// sockets whose end means that the peer died. Handlers run on that thread and must not block.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "connector/file_descriptor.h"

namespace tandem {

class IoHandler {
 public:
  virtual ~IoHandler() = default;
  // `events` are epoll's.
  virtual void on_io(uint32_t events) = 0;
};

class IoLoop {
 public:
  IoLoop();
  ~IoLoop();
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  // The loop keeps the handler alive until `remove`. From any thread.
  void add(int fd, uint32_t events, std::shared_ptr<IoHandler> handler);
  void modify(int fd, uint32_t events);
  void remove(int fd);
  // Ends the thread and drops all handlers.
  void stop();

 private:
  void run();
  std::shared_ptr<IoHandler> find(int fd);

  FileDescriptor epoll_;
  FileDescriptor wake_;
  std::mutex mutex_;
  std::unordered_map<int, std::shared_ptr<IoHandler>> handlers_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace tandem
