// Owns the two ends of the way between an attention engine and one FFN worker. A channel has a fixed
// number of slots; a slot holds one request and, later, the answer to it. Whoever implements these keeps
// what it shows alive: a request until its answer is written, an answer until its slot is released.
//
// Slots and not byte rings: answers come in any order without holding memory back, the lowest free slot is
// taken first so that few pages stay hot, and the window is bounded by construction.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connector/doorbell.h"
#include "connector/frame.h"

namespace tandem {

constexpr int kMaxSlots = 64;

struct ChannelLimits {
  int num_slots = 8;
  size_t max_request_bytes = 0;
  size_t max_reply_bytes = 0;
};

struct Reply {
  int slot = -1;
  FrameView view{};  // an f2a or an error frame
};

// Attention side. One engine thread calls everything but `closed` and `close_reason`.
class FfnChannel {
 public:
  explicit FfnChannel(ChannelLimits limits) : limits_(limits) {}
  virtual ~FfnChannel() = default;

  // Memory for a request of `bytes` in a free slot; nullptr when the window is full or the frame too large.
  std::byte* begin(size_t bytes, int* slot);
  // Hands over the frame written at `begin`. Its frame_id must be unique.
  void send(int slot);
  // The next answer, if any. A peer that breaks the protocol closes the channel.
  bool poll(Reply* reply);
  void release(int slot);

  bool closed() const { return closed_.load(std::memory_order_acquire); }
  std::string close_reason() const;
  uint64_t bytes_sent() const { return bytes_sent_; }
  uint64_t bytes_received() const { return bytes_received_; }
  virtual void close(const std::string& reason) = 0;
  // What `send` rings, where the peer shares our memory; else null.
  virtual std::shared_ptr<Doorbell> peer_doorbell() const { return nullptr; }
  // Called once, from the thread that noticed; at once when already closed.
  void on_close(std::function<void(const std::string& reason)> listener);

 protected:
  virtual std::byte* slot_memory(int slot, size_t bytes) = 0;
  virtual void publish(int slot, const std::byte* frame, size_t bytes) = 0;
  // Slot of an answer that lies at `*frame` with a checked private `*header`; -1 when there is none.
  virtual int next_reply(FrameHeader* header, const std::byte** frame) = 0;
  // Records why, once. false when already closed.
  bool mark_closed(const std::string& reason);

  const ChannelLimits limits_;

 private:
  enum class SlotState : uint8_t { free, writing, in_flight, answered };
  struct Slot {
    SlotState state = SlotState::free;
    uint64_t frame_id = 0;
    std::byte* frame = nullptr;
    size_t bytes = 0;
  };
  std::array<Slot, kMaxSlots> slots_{};
  std::atomic<bool> closed_{false};
  mutable std::mutex reason_mutex_;
  std::string close_reason_;
  std::function<void(const std::string&)> close_listener_;
  uint64_t bytes_sent_ = 0;
  uint64_t bytes_received_ = 0;
};

class FfnPeer;

// FFN side: one request. Its sections are valid until the answer is written; `view.header` is a copy.
struct Delivery {
  std::shared_ptr<FfnPeer> peer;
  int slot = -1;
  FrameView view{};
};

// FFN side: one connected attention worker. The engine thread calls.
class FfnPeer {
 public:
  virtual ~FfnPeer() = default;
  // The next well-formed a2f frame; answers bad ones itself and counts them in `refused`.
  virtual bool poll(Delivery* delivery, std::array<uint64_t, kNumFrameStatuses>* refused) = 0;
  // Memory for the answer of a slot, 64-byte aligned, which may be that of the request; nullptr when the peer is gone or
  // it does not fit.
  virtual std::byte* begin_reply(int slot, size_t bytes) = 0;
  virtual void send_reply(int slot, size_t bytes) = 0;
  virtual bool closed() const = 0;
  // What `send_reply` rings, where the peer shares our memory; else null.
  virtual std::shared_ptr<Doorbell> peer_doorbell() const { return nullptr; }
  // Ends the connection. From any thread.
  virtual void close() = 0;

  void refuse(const Delivery& delivery, FrameStatus status, const std::string& text);

 protected:
  void refuse_slot(int slot, const FrameHeader& request, FrameStatus status, const std::string& text);
};

// The peers of an FFN worker, over all its listeners. Io threads add; the engine thread reads and drops.
class PeerSet {
 public:
  explicit PeerSet(std::shared_ptr<Doorbell> doorbell) : doorbell_(std::move(doorbell)) {}
  void add(std::shared_ptr<FfnPeer> peer);
  // Engine thread: the peers of now, closed ones dropped.
  const std::vector<std::shared_ptr<FfnPeer>>& current();
  // Ends all connections, once nobody adds or reads any more. Peers refer to this set: without it neither would go.
  void close_all();
  // For peers that noticed something: wakes the engine thread.
  void changed();
  const std::shared_ptr<Doorbell>& doorbell() const { return doorbell_; }
  // From any thread, by an io thread that refused a hello.
  void count_refused(FrameStatus status);
  uint64_t refused(FrameStatus status) const;

 private:
  std::shared_ptr<Doorbell> doorbell_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<FfnPeer>> added_;
  std::atomic<bool> dirty_{false};
  std::vector<std::shared_ptr<FfnPeer>> peers_;
  std::array<std::atomic<uint64_t>, kNumFrameStatuses> refused_{};
};

}  // namespace tandem
