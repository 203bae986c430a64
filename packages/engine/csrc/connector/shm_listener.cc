// The FFN side of the shm connector.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "connector/connector.h"
#include "connector/control_socket.h"
#include "connector/shm_layout.h"

namespace tandem {

namespace {

class ShmPeer final : public FfnPeer, public IoHandler, public std::enable_shared_from_this<ShmPeer> {
 public:
  ShmPeer(const ListenContext& context, FileDescriptor socket) : context_(context), socket_(std::move(socket)) {}

  int socket() const { return socket_.get(); }
  std::shared_ptr<Doorbell> peer_doorbell() const override { return peer_doorbell_; }

  // Io thread: first the hello, then only the end.
  void on_io(uint32_t events) override {
    if (greeted_ || (events & EPOLLIN) == 0) return close();
    ControlMessage message;
    if (!recv_control(socket_.get(), std::chrono::milliseconds(0), &message)) return close();
    const FrameStatus status = greet(message);
    if (status == FrameStatus::ok) {
      greeted_ = true;
      context_.peers->add(shared_from_this());
      return;
    }
    context_.peers->count_refused(status);
    send_control(socket_.get(), encode_error(nullptr, status, std::string("hello refused: ") + status_name(status)), {});
    close();
  }

  bool poll(Delivery* delivery, std::array<uint64_t, kNumFrameStatuses>* refused) override {
    while (!closed()) {
      int slot = -1;
      const PopResult popped = pop_slot(layout_.a2f(), &a2f_cursor_, layout_.header().num_slots, &slot);
      if (popped == PopResult::empty) return false;
      if (popped == PopResult::broken) {
        ++(*refused)[static_cast<size_t>(FrameStatus::malformed)];
        close();
        return false;
      }
      const std::byte* frame = layout_.slot(slot);
      FrameHeader header;
      std::memcpy(&header, frame, sizeof header);
      FrameStatus status = check_header(header, std::min<uint64_t>(layout_.header().slot_bytes, context_.max_frame_bytes));
      if (status == FrameStatus::ok && header.kind != FrameKind::a2f) status = FrameStatus::malformed;
      if (status == FrameStatus::ok) {
        delivery->peer = shared_from_this();
        delivery->slot = slot;
        delivery->view = view_frame(header, frame);
        return true;
      }
      ++(*refused)[static_cast<size_t>(status)];
      refuse_slot(slot, header, status, "the frame's header does not fit its contents");
    }
    return false;
  }

  std::byte* begin_reply(int slot, size_t bytes) override {
    return closed() || bytes > layout_.header().slot_bytes ? nullptr : layout_.slot(slot);
  }

  void send_reply(int slot, size_t) override {
    if (closed()) return;
    push_slot(layout_.f2a(), &f2a_cursor_, slot);
    peer_doorbell_->ring();
  }

  bool closed() const override { return closed_.load(std::memory_order_acquire); }

  void close() override {
    if (closed_.exchange(true)) return;
    ::shutdown(socket_.get(), SHUT_RDWR);
    context_.io_loop->remove(socket_.get());
    context_.peers->changed();
  }

 private:
  FrameStatus greet(ControlMessage& message) {
    FrameView view;
    const FrameStatus status =
        decode_frame(message.bytes.data(), message.bytes.size(), kMaxControlFrameBytes, &view);
    if (status != FrameStatus::ok) return status;
    if (view.header.kind != FrameKind::hello || message.fds.size() != 2) return FrameStatus::malformed;
    const FrameStatus match = match_hello(context_.hello, decode_hello(view));
    if (match != FrameStatus::ok) return match;
    return map(message) && send_control(socket_.get(), encode_hello(context_.hello), {context_.peers->doorbell()->fd()})
               ? FrameStatus::ok
               : FrameStatus::malformed;
  }

  bool map(ControlMessage& message) {
    try {
      const size_t bytes = sealed_size(message.fds[0].get());
      if (bytes < kShmPageBytes || bytes > kMaxShmBytes) return false;
      mapping_ = SharedMapping(message.fds[0].get(), bytes);
      ShmHeader header;
      std::memcpy(&header, mapping_.data(), sizeof header);
      if (!ShmLayout::plausible(header) || ShmLayout::total_bytes(header) != bytes) return false;
      layout_ = ShmLayout(mapping_.data(), header);
      peer_doorbell_ = std::make_shared<Doorbell>(std::move(message.fds[1]));
      context_.peers->doorbell()->meet_local_peer();
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  const ListenContext context_;
  FileDescriptor socket_;
  bool greeted_ = false;
  SharedMapping mapping_;
  ShmLayout layout_;
  std::shared_ptr<Doorbell> peer_doorbell_;
  uint64_t a2f_cursor_ = 0;
  uint64_t f2a_cursor_ = 0;
  std::atomic<bool> closed_{false};
};

class ShmAcceptor final : public IoHandler {
 public:
  ShmAcceptor(const ListenContext& context, FileDescriptor socket) : context_(context), socket_(std::move(socket)) {}
  int socket() const { return socket_.get(); }

  void on_io(uint32_t) override {
    FileDescriptor accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!accepted.valid()) return;
    auto peer = std::make_shared<ShmPeer>(context_, std::move(accepted));
    context_.io_loop->add(peer->socket(), EPOLLIN | EPOLLRDHUP, peer);
  }

 private:
  const ListenContext context_;
  FileDescriptor socket_;
};

class ShmListener final : public FfnListener {
 public:
  ShmListener(const std::string& path, const ListenContext& context) : path_(path), io_loop_(context.io_loop) {
    auto acceptor = std::make_shared<ShmAcceptor>(context, listen_control(path));
    socket_ = acceptor->socket();
    io_loop_->add(socket_, EPOLLIN, acceptor);
  }
  ~ShmListener() override {
    io_loop_->remove(socket_);
    ::unlink(path_.c_str());
  }
  std::string address() const override { return path_; }

 private:
  std::string path_;
  std::shared_ptr<IoLoop> io_loop_;
  int socket_ = -1;
};

}  // namespace

std::unique_ptr<FfnListener> listen_shm(const std::string& path, const ListenContext& context) {
  return std::make_unique<ShmListener>(path, context);
}

}  // namespace tandem
