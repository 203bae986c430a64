// Owns what an engine sees of a connector: dial an FFN worker, or listen as one. Same frames either way.
#pragma once

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "connector/channel.h"
#include "connector/io_loop.h"

namespace tandem {

struct ConnectContext {
  std::shared_ptr<IoLoop> io_loop;
  // Rung when an answer or the end of a channel is there to see.
  std::shared_ptr<Doorbell> doorbell;
  Hello hello;
  ChannelLimits limits;
  std::chrono::milliseconds timeout{5000};
};

struct ListenContext {
  std::shared_ptr<IoLoop> io_loop;
  std::shared_ptr<PeerSet> peers;
  Hello hello;
  size_t max_frame_bytes = kMaxFrameBytes;
};

// Nobody there, or a peer that refused our hello (`status` says why).
class ConnectError : public std::runtime_error {
 public:
  ConnectError(FrameStatus status, const std::string& text) : std::runtime_error(text), status_(status) {}
  FrameStatus status() const { return status_; }

 private:
  FrameStatus status_;
};

// Accepts until destroyed; the peers it accepted live on their own.
class FfnListener {
 public:
  virtual ~FfnListener() = default;
  // What a peer dials: a path, or host:port.
  virtual std::string address() const = 0;
};

// The attention side makes the shared memory and hands it over with its doorbell; the FFN side answers with its own.
std::shared_ptr<FfnChannel> connect_shm(const std::string& path, const ConnectContext& context);
std::unique_ptr<FfnListener> listen_shm(const std::string& path, const ListenContext& context);

std::shared_ptr<FfnChannel> connect_tcp(const std::string& host, int port, const ConnectContext& context);
// Port 0 picks one.
std::unique_ptr<FfnListener> listen_tcp(const std::string& host, int port, const ListenContext& context);

// Reads the answer to a hello: nothing when it lets us in, else throws ConnectError.
void check_hello_answer(const std::vector<std::byte>& bytes, const std::string& address, const Hello& ours);

}  // namespace tandem
