#include "connector/channel.h"

#include <cstring>

namespace tandem {

std::byte* FfnChannel::begin(size_t bytes, int* slot) {
  if (closed() || bytes > limits_.max_request_bytes) return nullptr;
  for (int i = 0; i < limits_.num_slots; i++) {
    if (slots_[i].state != SlotState::free) continue;
    slots_[i].state = SlotState::writing;
    slots_[i].frame = slot_memory(i, bytes);
    slots_[i].bytes = bytes;
    *slot = i;
    return slots_[i].frame;
  }
  return nullptr;
}

void FfnChannel::send(int slot) {
  Slot& entry = slots_[slot];
  std::memcpy(&entry.frame_id, entry.frame + offsetof(FrameHeader, frame_id), sizeof entry.frame_id);
  entry.state = SlotState::in_flight;
  bytes_sent_ += entry.bytes;
  publish(slot, entry.frame, entry.bytes);
}

bool FfnChannel::poll(Reply* reply) {
  if (closed()) return false;
  FrameHeader header;
  const std::byte* frame = nullptr;
  const int slot = next_reply(&header, &frame);
  if (slot < 0) return false;
  const bool expected = slot < limits_.num_slots && slots_[slot].state == SlotState::in_flight &&
                        slots_[slot].frame_id == header.frame_id &&
                        (header.kind == FrameKind::f2a || header.kind == FrameKind::error);
  if (!expected) {
    close("the FFN worker answered a frame that was not asked");
    return false;
  }
  slots_[slot].state = SlotState::answered;
  bytes_received_ += frame_bytes(header);
  reply->slot = slot;
  reply->view = view_frame(header, frame);
  return true;
}

void FfnChannel::release(int slot) { slots_[slot].state = SlotState::free; }

std::string FfnChannel::close_reason() const {
  std::lock_guard<std::mutex> lock(reason_mutex_);
  return close_reason_;
}

bool FfnChannel::mark_closed(const std::string& reason) {
  std::function<void(const std::string&)> listener;
  {
    std::lock_guard<std::mutex> lock(reason_mutex_);
    if (closed_.load(std::memory_order_relaxed)) return false;
    close_reason_ = reason;
    listener = std::move(close_listener_);
    closed_.store(true, std::memory_order_release);
  }
  if (listener) listener(reason);
  return true;
}

void FfnChannel::on_close(std::function<void(const std::string&)> listener) {
  {
    std::lock_guard<std::mutex> lock(reason_mutex_);
    if (!closed_.load(std::memory_order_relaxed)) {
      close_listener_ = std::move(listener);
      return;
    }
  }
  listener(close_reason_);
}

void FfnPeer::refuse(const Delivery& delivery, FrameStatus status, const std::string& text) {
  refuse_slot(delivery.slot, delivery.view.header, status, text);
}

void FfnPeer::refuse_slot(int slot, const FrameHeader& request, FrameStatus status, const std::string& text) {
  const std::vector<std::byte> bytes = encode_error(&request, status, text);
  std::byte* memory = begin_reply(slot, bytes.size());
  if (memory == nullptr) return;
  std::memcpy(memory, bytes.data(), bytes.size());
  send_reply(slot, bytes.size());
}

void PeerSet::add(std::shared_ptr<FfnPeer> peer) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    added_.push_back(std::move(peer));
  }
  changed();
}

void PeerSet::changed() {
  dirty_.store(true, std::memory_order_release);
  doorbell_->ring();
}

const std::vector<std::shared_ptr<FfnPeer>>& PeerSet::current() {
  if (!dirty_.load(std::memory_order_acquire)) return peers_;
  dirty_.store(false, std::memory_order_relaxed);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& peer : added_) peers_.push_back(std::move(peer));
    added_.clear();
  }
  std::erase_if(peers_, [](const auto& peer) { return peer->closed(); });
  return peers_;
}

void PeerSet::close_all() {
  changed();
  for (const auto& peer : current()) peer->close();
  current();
}

void PeerSet::count_refused(FrameStatus status) {
  refused_[static_cast<size_t>(status)].fetch_add(1, std::memory_order_relaxed);
}

uint64_t PeerSet::refused(FrameStatus status) const {
  return refused_[static_cast<size_t>(status)].load(std::memory_order_relaxed);
}

}  // namespace tandem
