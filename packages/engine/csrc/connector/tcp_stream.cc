#include "connector/tcp_stream.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tandem {

namespace {

// A peer that does not read is cut off beyond it.
constexpr size_t kMaxPendingBytes = size_t{256} << 20;
// Frames read in one turn, so that one busy peer does not keep the others waiting.
constexpr int kReadsPerTurn = 64;

bool is_followable(const FrameHeader& header) {
  return header.magic == kFrameMagic && header.version == kFrameVersion &&
         static_cast<uint8_t>(header.kind) >= 1 && static_cast<uint8_t>(header.kind) <= 4 &&
         static_cast<uint8_t>(header.dtype) <= 3 && static_cast<uint32_t>(header.status) < kNumFrameStatuses;
}

}  // namespace

void TcpStream::open(std::shared_ptr<IoHandler> self) {
  io_loop_->add(socket_.get(), EPOLLIN | EPOLLRDHUP, std::move(self));
}

void TcpStream::on_io(uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    std::unique_lock<std::mutex> lock(write_mutex_);
    flush();
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
  for (int i = 0; i < kReadsPerTurn && read_some(); i++) {
  }
}

long TcpStream::receive(void* into, size_t bytes) {
  const ssize_t count = ::recv(socket_.get(), into, bytes, MSG_DONTWAIT);
  if (count > 0) return count;
  if (count == 0) on_lost("the peer closed the connection");
  else if (errno != EAGAIN && errno != EINTR) on_lost(std::strerror(errno));
  return 0;
}

bool TcpStream::read_some() {
  if (skip_ > 0) {
    std::byte nowhere[65536];
    const long count = receive(nowhere, std::min(skip_, sizeof nowhere));
    skip_ -= static_cast<size_t>(count);
    return count > 0;
  }
  if (body_ != nullptr) {
    const long count = receive(body_ + body_filled_, body_bytes_ - body_filled_);
    body_filled_ += static_cast<size_t>(count);
    if (body_filled_ == body_bytes_) {
      const std::byte* frame = body_;
      body_ = nullptr;
      on_frame(header_, frame);
    }
    return count > 0;
  }
  const long count = receive(reinterpret_cast<std::byte*>(&header_) + header_filled_, kFrameHeaderBytes - header_filled_);
  header_filled_ += static_cast<size_t>(count);
  if (header_filled_ < kFrameHeaderBytes) return count > 0;
  header_filled_ = 0;
  return begin_frame();
}

bool TcpStream::begin_frame() {
  if (!is_followable(header_)) {
    on_junk();
    return false;
  }
  const uint64_t bytes = frame_bytes(header_);
  const FrameStatus status = check_header(header_, max_frame_bytes_);
  std::byte* memory = nullptr;
  if (status == FrameStatus::ok) memory = frame_memory(header_, bytes);
  else on_bad_frame(header_, status);
  if (memory == nullptr) {
    skip_ = bytes - kFrameHeaderBytes;
    return true;
  }
  std::memcpy(memory, &header_, kFrameHeaderBytes);
  body_ = memory;
  body_bytes_ = bytes;
  body_filled_ = kFrameHeaderBytes;
  if (body_filled_ == body_bytes_) {
    body_ = nullptr;
    on_frame(header_, memory);
  }
  return true;
}

void TcpStream::write(const std::byte* data, size_t bytes, std::shared_ptr<const void> keep) {
  bool overflow = false;
  {
    std::lock_guard<std::mutex> lock(write_mutex_);
    if (shut_) return;
    size_t sent = 0;
    if (pending_.empty()) {
      const ssize_t count = ::send(socket_.get(), data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count > 0) sent = static_cast<size_t>(count);
    }
    if (sent == bytes) return;
    if (pending_.empty()) io_loop_->modify(socket_.get(), EPOLLIN | EPOLLRDHUP | EPOLLOUT);
    pending_.push_back({data + sent, bytes - sent, std::move(keep)});
    pending_bytes_ += bytes - sent;
    overflow = pending_bytes_ > kMaxPendingBytes;
  }
  if (overflow) on_lost("the peer does not read");
}

void TcpStream::write(std::vector<std::byte> bytes) {
  const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  write(owner->data(), owner->size(), owner);
}

void TcpStream::flush() {
  while (!pending_.empty() && !shut_) {
    Pending& first = pending_.front();
    const ssize_t count = ::send(socket_.get(), first.data, first.bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count <= 0) return;  // full, or broken: then the read side sees it
    first.data += count;
    first.bytes -= static_cast<size_t>(count);
    pending_bytes_ -= static_cast<size_t>(count);
    if (first.bytes == 0) pending_.pop_front();
  }
  if (!shut_) io_loop_->modify(socket_.get(), EPOLLIN | EPOLLRDHUP);
}

void TcpStream::shut() {
  {
    std::lock_guard<std::mutex> lock(write_mutex_);
    if (shut_) return;
    shut_ = true;
    pending_.clear();
  }
  ::shutdown(socket_.get(), SHUT_RDWR);
  io_loop_->remove(socket_.get());
}

}  // namespace tandem
