// The attention side of the shm connector.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstring>

#include "connector/connector.h"
#include "connector/control_socket.h"
#include "connector/shm_layout.h"

namespace tandem {

namespace {

class ShmChannel final : public FfnChannel, public IoHandler {
 public:
  ShmChannel(const ConnectContext& context, FileDescriptor socket, SharedMapping mapping, const ShmHeader& header)
      : FfnChannel(context.limits),
        io_loop_(context.io_loop),
        our_doorbell_(context.doorbell),
        socket_(std::move(socket)),
        mapping_(std::move(mapping)),
        layout_(mapping_.data(), header) {}

  void set_peer_doorbell(FileDescriptor fd) { peer_doorbell_ = std::make_shared<Doorbell>(std::move(fd)); }
  int socket() const { return socket_.get(); }
  std::shared_ptr<Doorbell> peer_doorbell() const override { return peer_doorbell_; }

  // Io thread: the control socket has nothing to say after the hello but that the peer is gone.
  void on_io(uint32_t) override { close("the FFN worker closed the shm channel"); }

  void close(const std::string& reason) override {
    if (!mark_closed(reason)) return;
    ::shutdown(socket_.get(), SHUT_RDWR);
    io_loop_->remove(socket_.get());
    our_doorbell_->ring();
  }

 protected:
  std::byte* slot_memory(int slot, size_t) override { return layout_.slot(slot); }

  void publish(int slot, const std::byte*, size_t) override {
    push_slot(layout_.a2f(), &a2f_cursor_, slot);
    peer_doorbell_->ring();
  }

  int next_reply(FrameHeader* header, const std::byte** frame) override {
    int slot = -1;
    switch (pop_slot(layout_.f2a(), &f2a_cursor_, layout_.header().num_slots, &slot)) {
      case PopResult::empty: return -1;
      case PopResult::broken: close("the FFN worker broke the shm ring"); return -1;
      case PopResult::slot: break;
    }
    *frame = layout_.slot(slot);
    std::memcpy(header, *frame, sizeof *header);
    if (check_header(*header, layout_.header().slot_bytes) != FrameStatus::ok) {
      close("the FFN worker sent a malformed frame");
      return -1;
    }
    return slot;
  }

 private:
  std::shared_ptr<IoLoop> io_loop_;
  std::shared_ptr<Doorbell> our_doorbell_;
  std::shared_ptr<Doorbell> peer_doorbell_;
  FileDescriptor socket_;
  SharedMapping mapping_;
  ShmLayout layout_;
  uint64_t a2f_cursor_ = 0;
  uint64_t f2a_cursor_ = 0;
};

}  // namespace

std::shared_ptr<FfnChannel> connect_shm(const std::string& path, const ConnectContext& context) {
  FileDescriptor socket;
  try {
    socket = connect_control(path, context.timeout);
  } catch (const std::exception& error) {
    throw ConnectError(FrameStatus::internal, error.what());
  }
  const ShmHeader header = ShmLayout::make_header(context.limits);
  const uint64_t bytes = ShmLayout::total_bytes(header);
  const FileDescriptor memory = create_shared_memory("tandem-channel", bytes);
  SharedMapping mapping(memory.get(), bytes);
  std::memcpy(mapping.data(), &header, sizeof header);
  auto channel = std::make_shared<ShmChannel>(context, std::move(socket), std::move(mapping), header);

  if (!send_control(channel->socket(), encode_hello(context.hello), {memory.get(), context.doorbell->fd()})) {
    throw ConnectError(FrameStatus::internal, path + " took no hello");
  }
  ControlMessage answer;
  if (!recv_control(channel->socket(), context.timeout, &answer)) {
    throw ConnectError(FrameStatus::internal, path + " did not answer the hello");
  }
  check_hello_answer(answer.bytes, path, context.hello);
  if (answer.fds.size() != 1) throw ConnectError(FrameStatus::malformed, path + " sent no doorbell");
  channel->set_peer_doorbell(std::move(answer.fds[0]));
  context.doorbell->meet_local_peer();
  context.io_loop->add(channel->socket(), EPOLLIN | EPOLLRDHUP, channel);
  return channel;
}

}  // namespace tandem
