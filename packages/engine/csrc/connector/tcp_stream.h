// Owns one TCP connection as a stream of frames: non-blocking reads straight into the receiver's aligned memory, gathered
// non-blocking writes with a bounded backlog. Io thread reads; any thread writes.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connector/frame.h"
#include "connector/io_loop.h"
#include "connector/tcp_socket.h"

namespace tandem {

class TcpStream : public IoHandler {
 public:
  TcpStream(std::shared_ptr<IoLoop> io_loop, FileDescriptor socket)
      : io_loop_(std::move(io_loop)), socket_(std::move(socket)) {}
  bool has_local_peer() const { return is_local_peer(socket_.get()); }

  void on_io(uint32_t events) final;
  // Joins the loop. `self` keeps the stream alive until `shut`.
  void open(std::shared_ptr<IoHandler> self);

 protected:
  // Where to put a frame of `bytes` whose header passed check_header; nullptr: skip it (the implementation answers).
  virtual std::byte* frame_memory(const FrameHeader& header, size_t bytes) = 0;
  virtual void on_frame(const FrameHeader& header, const std::byte* frame) = 0;
  // A frame that check_header refuses but whose end is known; it is skipped.
  virtual void on_bad_frame(const FrameHeader& header, FrameStatus status) = 0;
  // The stream ended or cannot be followed. Io thread or a writer's.
  virtual void on_lost(const std::string& reason) = 0;
  // Bytes that are no frame: the stream cannot be followed any further.
  virtual void on_junk() { on_lost("the peer sent something that is no frame"); }

  // `keep` owns the bytes until they are written.
  void write(const std::byte* data, size_t bytes, std::shared_ptr<const void> keep);
  void write(std::vector<std::byte> bytes);
  void shut();
  void set_max_frame_bytes(size_t bytes) { max_frame_bytes_ = bytes; }

 private:
  struct Pending {
    const std::byte* data;
    size_t bytes;
    std::shared_ptr<const void> keep;
  };
  // false at the end of what can be read now.
  bool read_some();
  bool begin_frame();
  void flush();
  long receive(void* into, size_t bytes);

  std::shared_ptr<IoLoop> io_loop_;
  FileDescriptor socket_;
  size_t max_frame_bytes_ = kMaxControlFrameBytes;

  // Io thread.
  FrameHeader header_{};
  size_t header_filled_ = 0;
  std::byte* body_ = nullptr;
  size_t body_bytes_ = 0, body_filled_ = 0, skip_ = 0;

  std::mutex write_mutex_;
  std::deque<Pending> pending_;
  size_t pending_bytes_ = 0;
  bool shut_ = false;
};

}  // namespace tandem
