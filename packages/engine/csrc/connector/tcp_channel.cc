// The attention side of the tcp connector.
#include <cstring>
#include <deque>

#include "connector/connector.h"
#include "connector/frame_buffer.h"
#include "connector/tcp_socket.h"
#include "connector/tcp_stream.h"

namespace tandem {

namespace {

class TcpChannel final : public FfnChannel, public TcpStream {
 public:
  TcpChannel(const ConnectContext& context, FileDescriptor socket)
      : FfnChannel(context.limits), TcpStream(context.io_loop, std::move(socket)), doorbell_(context.doorbell) {
    set_max_frame_bytes(kMaxFrameBytes);
  }

  void close(const std::string& reason) override {
    if (!mark_closed(reason)) return;
    shut();
    doorbell_->ring();
  }

 protected:
  std::byte* slot_memory(int slot, size_t bytes) override { return slots_[slot].request.reserve(bytes); }

  void publish(int slot, const std::byte* frame, size_t bytes) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      std::memcpy(&slots_[slot].frame_id, frame + offsetof(FrameHeader, frame_id), sizeof(uint64_t));
      slots_[slot].awaited = true;
    }
    write(frame, bytes, slots_[slot].request.keep());
  }

  int next_reply(FrameHeader* header, const std::byte** frame) override {
    if (num_answered_.load(std::memory_order_acquire) == 0) return -1;
    std::lock_guard<std::mutex> lock(mutex_);
    const int slot = answered_.front();
    answered_.pop_front();
    num_answered_.fetch_sub(1, std::memory_order_relaxed);
    *frame = slots_[slot].reply.data();
    std::memcpy(header, *frame, sizeof *header);
    return slot;
  }

  // Io thread.
  std::byte* frame_memory(const FrameHeader& header, size_t bytes) override {
    std::lock_guard<std::mutex> lock(mutex_);
    for (int slot = 0; slot < limits_.num_slots; slot++) {
      if (!slots_[slot].awaited || slots_[slot].frame_id != header.frame_id) continue;
      receiving_ = slot;
      return slots_[slot].reply.reserve(bytes);
    }
    receiving_ = -1;
    unasked_.resize(0);
    return header.kind == FrameKind::error ? (unasked_.resize(bytes), unasked_.data()) : nullptr;
  }

  void on_frame(const FrameHeader& header, const std::byte* frame) override {
    if (receiving_ < 0) return close(error_text(view_frame(header, frame)));
    {
      std::lock_guard<std::mutex> lock(mutex_);
      slots_[receiving_].awaited = false;
      answered_.push_back(receiving_);
      num_answered_.fetch_add(1, std::memory_order_release);
    }
    doorbell_->ring();
  }

  void on_bad_frame(const FrameHeader&, FrameStatus) override { close("the FFN worker sent a malformed frame"); }
  void on_lost(const std::string& reason) override { close(reason); }

 private:
  struct Slot {
    FrameBuffer request, reply;
    uint64_t frame_id = 0;
    bool awaited = false;
  };
  std::shared_ptr<Doorbell> doorbell_;
  std::array<Slot, kMaxSlots> slots_;
  std::mutex mutex_;
  std::deque<int> answered_;
  std::atomic<int> num_answered_{0};
  int receiving_ = -1;                 // io thread
  std::vector<std::byte> unasked_;     // io thread
};

// Reads one control frame, whole.
std::vector<std::byte> read_control_frame(int socket, const std::string& address, std::chrono::milliseconds timeout) {
  FrameHeader header;
  if (!read_exactly(socket, reinterpret_cast<std::byte*>(&header), sizeof header, timeout)) {
    throw ConnectError(FrameStatus::internal, address + " did not answer the hello");
  }
  if (check_header(header, kMaxControlFrameBytes) != FrameStatus::ok) {
    throw ConnectError(FrameStatus::malformed, address + " does not speak this protocol");
  }
  std::vector<std::byte> bytes(frame_bytes(header));
  std::memcpy(bytes.data(), &header, sizeof header);
  if (!read_exactly(socket, bytes.data() + sizeof header, bytes.size() - sizeof header, timeout)) {
    throw ConnectError(FrameStatus::internal, address + " did not finish its hello");
  }
  return bytes;
}

}  // namespace

std::shared_ptr<FfnChannel> connect_tcp(const std::string& host, int port, const ConnectContext& context) {
  const std::string address = format_address(host, port);
  FileDescriptor socket;
  try {
    socket = connect_socket(host, port, context.timeout);
  } catch (const std::exception& error) {
    throw ConnectError(FrameStatus::internal, error.what());
  }
  if (!write_all(socket.get(), encode_hello(context.hello))) {
    throw ConnectError(FrameStatus::internal, address + " took no hello");
  }
  check_hello_answer(read_control_frame(socket.get(), address, context.timeout), address, context.hello);
  if (is_local_peer(socket.get())) context.doorbell->meet_local_peer();
  auto channel = std::make_shared<TcpChannel>(context, std::move(socket));
  channel->open(channel);
  return channel;
}

}  // namespace tandem
