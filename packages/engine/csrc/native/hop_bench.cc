// Owns the two ends of the hop bench: a server that answers every frame with as many bytes, and a client that times round
// trips. Both sides read all bytes they get and write all bytes they send, as the kernels do that meet activations there.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <thread>

#include "connector/connector.h"
#include "native/background_task.h"
#include "native/engine_objects.h"
#include "native/js_values.h"

namespace tandem {

namespace {

// What both sides copy from and to. It stays in the first level cache, so that what is timed is the way of the bytes and not
// the memory beside it. Small, as large copies take string instructions, which kernels do not; aligned, or loads from frames
// wait for stores to here that have the same lower address bits.
struct alignas(4096) Scratch : std::array<std::byte, 2048> {};

void write_all(std::byte* bytes, size_t size, const Scratch& from) {
  for (size_t i = 0; i < size; i += from.size()) std::memcpy(bytes + i, from.data(), std::min(from.size(), size - i));
}

void read_all(const std::byte* bytes, size_t size, Scratch* into) {
  for (size_t i = 0; i < size; i += into->size()) std::memcpy(into->data(), bytes + i, std::min(into->size(), size - i));
}

class HopServer {
 public:
  HopServer(const std::string& connector, const std::string& address)
      : io_loop_(std::make_shared<IoLoop>()),
        doorbell_(std::make_shared<Doorbell>()),
        peers_(std::make_shared<PeerSet>(doorbell_)) {
    const ListenContext context{io_loop_, peers_, Hello{}};
    listener_ = connector == "shm" ? listen_shm(address, context) : listen_tcp("127.0.0.1", 0, context);
    thread_ = std::thread([this] { serve(); });
  }
  ~HopServer() {
    stopping_ = true;
    doorbell_->ring();
    thread_.join();
    listener_.reset();
    io_loop_->stop();
    peers_->close_all();
  }
  std::string address() const { return listener_->address(); }

 private:
  void serve() {
    std::array<uint64_t, kNumFrameStatuses> refused{};
    while (!stopping_) {
      Delivery delivery;
      const auto ready = [&] {
        for (const auto& peer : peers_->current()) {
          if (peer->poll(&delivery, &refused)) return true;
        }
        return stopping_.load();
      };
      doorbell_->wait(ready);
      if (delivery.peer == nullptr) continue;
      const FrameHeader reply = make_f2a_header(delivery.view.header, 1);
      read_all(delivery.view.section[0], delivery.view.header.section_bytes[0], &scratch_);
      std::byte* memory = delivery.peer->begin_reply(delivery.slot, frame_bytes(reply));
      if (memory == nullptr) continue;
      std::memcpy(memory, &reply, sizeof reply);
      write_all(section_of(memory, reply, 0), reply.section_bytes[0], scratch_);
      zero_padding(memory, reply);
      *section_of(memory, reply, 1) = std::byte{1};
      delivery.peer->send_reply(delivery.slot, frame_bytes(reply));
    }
  }

  std::shared_ptr<IoLoop> io_loop_;
  std::shared_ptr<Doorbell> doorbell_;
  std::shared_ptr<PeerSet> peers_;
  std::unique_ptr<FfnListener> listener_;
  std::atomic<bool> stopping_{false};
  Scratch scratch_{};
  std::thread thread_;
};

// Microseconds of each of `count` round trips, after as many for warming up (at most 200).
std::vector<double> measure(const std::string& connector, const std::string& address, uint32_t payload_bytes, int count) {
  ConnectContext context;
  context.io_loop = std::make_shared<IoLoop>();
  context.doorbell = std::make_shared<Doorbell>();
  const uint32_t hidden = std::max<uint32_t>(payload_bytes / 4, 1);
  FrameHeader header = make_a2f_header(1, hidden, FrameDtype::f32, 0);
  context.limits = {2, frame_bytes(header), frame_bytes(make_f2a_header(header, 1))};
  const size_t colon = address.rfind(':');
  const std::shared_ptr<FfnChannel> channel =
      connector == "shm" ? connect_shm(address, context)
                         : connect_tcp(address.substr(0, colon), std::stoi(address.substr(colon + 1)), context);
  std::vector<double> times;
  Scratch scratch{};
  for (int i = -std::min(count, 200); i < count && !channel->closed(); i++) {
    const auto start = std::chrono::steady_clock::now();
    int slot = -1;
    std::byte* frame = channel->begin(frame_bytes(header), &slot);
    header.frame_id++;
    std::memcpy(frame, &header, sizeof header);
    write_all(section_of(frame, header, 0), header.section_bytes[0], scratch);
    zero_padding(frame, header);
    channel->send(slot);
    Reply reply;
    context.doorbell->wait([&] { return channel->poll(&reply) || channel->closed(); });
    if (reply.slot < 0) break;
    read_all(reply.view.section[0], reply.view.header.section_bytes[0], &scratch);
    channel->release(reply.slot);
    if (i >= 0) {
      times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
    }
  }
  channel->close("done");
  context.io_loop->stop();
  return times;
}

}  // namespace

Napi::Value serve_hops(const Napi::CallbackInfo& info) {
  auto server = std::make_shared<HopServer>(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::String>().Utf8Value());
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("address", server->address());
  object.Set("close", Napi::Function::New(info.Env(), [server](const Napi::CallbackInfo&) mutable { server.reset(); }));
  return object;
}

Napi::Value measure_hops(const Napi::CallbackInfo& info) {
  const std::string connector = info[0].As<Napi::String>().Utf8Value();
  const std::string address = info[1].As<Napi::String>().Utf8Value();
  const uint32_t payload_bytes = info[2].As<Napi::Number>().Uint32Value();
  const int count = info[3].As<Napi::Number>().Int32Value();
  auto times = std::make_shared<std::vector<double>>();
  return BackgroundTask::start(
      info.Env(), [=] { *times = measure(connector, address, payload_bytes, count); },
      [times](Napi::Env env) -> Napi::Value {
        Napi::Float64Array array = Napi::Float64Array::New(env, times->size());
        std::copy(times->begin(), times->end(), array.Data());
        return array;
      });
}

}  // namespace tandem
