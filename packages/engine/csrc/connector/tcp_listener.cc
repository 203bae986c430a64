// The FFN side of the tcp connector.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <deque>

#include "connector/connector.h"
#include "connector/frame_buffer.h"
#include "connector/tcp_socket.h"
#include "connector/tcp_stream.h"

namespace tandem {

namespace {

class TcpPeer final : public FfnPeer, public TcpStream, public std::enable_shared_from_this<TcpPeer> {
 public:
  TcpPeer(const ListenContext& context, FileDescriptor socket)
      : TcpStream(context.io_loop, std::move(socket)), context_(context) {}

  bool poll(Delivery* delivery, std::array<uint64_t, kNumFrameStatuses>*) override {
    if (closed() || num_received_.load(std::memory_order_acquire) == 0) return false;
    std::lock_guard<std::mutex> lock(mutex_);
    const int slot = received_.front();
    received_.pop_front();
    num_received_.fetch_sub(1, std::memory_order_relaxed);
    delivery->peer = shared_from_this();
    delivery->slot = slot;
    delivery->view = view_frame(slots_[slot].header, slots_[slot].request.data());
    return true;
  }

  std::byte* begin_reply(int slot, size_t bytes) override {
    return closed() || bytes > kMaxFrameBytes ? nullptr : slots_[slot].reply.reserve(bytes);
  }

  void send_reply(int slot, size_t bytes) override {
    write(slots_[slot].reply.data(), bytes, slots_[slot].reply.keep());
    std::lock_guard<std::mutex> lock(mutex_);
    slots_[slot].busy = false;
  }

  bool closed() const override { return closed_.load(std::memory_order_acquire); }
  // Io thread.
  bool greeted() const { return greeted_; }

  void close() override {
    if (closed_.exchange(true)) return;
    shut();
    context_.peers->changed();
  }

 protected:
  std::byte* frame_memory(const FrameHeader& header, size_t bytes) override {
    if (!greeted_) {
      receiving_ = -1;
      hello_.resize(bytes);
      return hello_.data();
    }
    if (header.kind != FrameKind::a2f) {
      refuse_unread(header, FrameStatus::malformed);
      return nullptr;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    for (int slot = 0; slot < kMaxSlots; slot++) {
      if (slots_[slot].busy) continue;
      slots_[slot].busy = true;
      receiving_ = slot;
      return slots_[slot].request.reserve(bytes);
    }
    refuse_unread(header, FrameStatus::overloaded);
    return nullptr;
  }

  void on_frame(const FrameHeader& header, const std::byte* frame) override {
    if (receiving_ < 0) return greet(header, frame);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      slots_[receiving_].header = header;
      received_.push_back(receiving_);
      num_received_.fetch_add(1, std::memory_order_release);
    }
    context_.peers->doorbell()->ring();
  }

  void on_bad_frame(const FrameHeader& header, FrameStatus status) override {
    refuse_unread(header, status);
    if (!greeted_) close();
  }
  void on_lost(const std::string&) override { close(); }
  void on_junk() override {
    context_.peers->count_refused(FrameStatus::malformed);
    close();
  }

 private:
  struct Slot {
    FrameBuffer request, reply;
    FrameHeader header{};
    bool busy = false;
  };

  void greet(const FrameHeader& header, const std::byte* frame) {
    FrameStatus status = FrameStatus::malformed;
    if (header.kind == FrameKind::hello) {
      status = match_hello(context_.hello, decode_hello(view_frame(header, frame)));
    }
    if (status != FrameStatus::ok) {
      context_.peers->count_refused(status);
      write(encode_error(nullptr, status, std::string("hello refused: ") + status_name(status)));
      return close();
    }
    greeted_ = true;
    set_max_frame_bytes(context_.max_frame_bytes);
    write(encode_hello(context_.hello));
    if (has_local_peer()) context_.peers->doorbell()->meet_local_peer();
    context_.peers->add(shared_from_this());
  }

  void refuse_unread(const FrameHeader& header, FrameStatus status) {
    context_.peers->count_refused(status);
    write(encode_error(&header, status, "the frame was not read"));
  }

  const ListenContext context_;
  std::array<Slot, kMaxSlots> slots_;
  std::mutex mutex_;
  std::deque<int> received_;
  std::atomic<int> num_received_{0};
  std::atomic<bool> closed_{false};
  // Io thread.
  bool greeted_ = false;
  int receiving_ = -1;
  std::vector<std::byte> hello_;
};

class TcpAcceptor final : public IoHandler {
 public:
  TcpAcceptor(const ListenContext& context, FileDescriptor socket) : context_(context), socket_(std::move(socket)) {}
  int socket() const { return socket_.get(); }

  void on_io(uint32_t) override {
    FileDescriptor accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!accepted.valid()) return;
    configure_socket(accepted.get());
    auto peer = std::make_shared<TcpPeer>(context_, std::move(accepted));
    peer->open(peer);
    strangers_.push_back(peer);
    drop_strangers();
  }

 private:
  // Peers that never say hello hold a socket each: beyond a bound the oldest one has to go.
  void drop_strangers() {
    const auto is_known = [](const std::weak_ptr<TcpPeer>& stranger) {
      const auto peer = stranger.lock();
      return peer == nullptr || peer->closed() || peer->greeted();
    };
    strangers_.erase(std::remove_if(strangers_.begin(), strangers_.end(), is_known), strangers_.end());
    if (strangers_.size() <= kMaxStrangers) return;
    if (const auto oldest = strangers_.front().lock()) oldest->close();
    strangers_.pop_front();
  }

  static constexpr size_t kMaxStrangers = 64;
  std::deque<std::weak_ptr<TcpPeer>> strangers_;
  const ListenContext context_;
  FileDescriptor socket_;
};

class TcpListener final : public FfnListener {
 public:
  TcpListener(const std::string& host, int port, const ListenContext& context) : io_loop_(context.io_loop) {
    auto acceptor = std::make_shared<TcpAcceptor>(context, listen_socket(host, port));
    socket_ = acceptor->socket();
    address_ = format_address(host, bound_port(socket_));
    io_loop_->add(socket_, EPOLLIN, acceptor);
  }
  ~TcpListener() override { io_loop_->remove(socket_); }
  std::string address() const override { return address_; }

 private:
  std::shared_ptr<IoLoop> io_loop_;
  int socket_ = -1;
  std::string address_;
};

}  // namespace

std::unique_ptr<FfnListener> listen_tcp(const std::string& host, int port, const ListenContext& context) {
  return std::make_unique<TcpListener>(host, port, context);
}

}  // namespace tandem
