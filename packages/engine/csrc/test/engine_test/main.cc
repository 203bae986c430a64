// Owns running whole native engines without Node, for the sanitizers: several attention engines and FFN engines over every
// connector, workers that vanish while frames are in flight, topologies that change, hostile bytes on every listener.
#include <sys/socket.h>

#include <cstring>
#include <deque>
#include <future>

#include "connector/control_socket.h"
#include "connector/tcp_socket.h"
#include "engine/attention_engine.h"
#include "test/engine_test/layer_by_layer.h"
#include "test/engine_test/tiny_model.h"

namespace tandem::engine_test {

namespace {

using Tokens = std::vector<int32_t>;

std::shared_ptr<FfnEngine> start_ffn(const TinyModel& model, const std::string& name) {
  FfnEngineConfig config;
  config.model = model.config;
  config.tensors = model.ffn;
  config.num_threads = 2;
  config.shm_path = std::filesystem::temp_directory_path() / ("tandem-test-" + std::to_string(::getpid()) + "-" + name);
  config.tcp_host = "127.0.0.1";
  config.loopback_name = name;
  auto engine = std::make_shared<FfnEngine>(std::move(config));
  engine->publish_loopback();
  return engine;
}

std::unique_ptr<AttentionEngine> start_attention(const TinyModel& model, uint32_t worker_number) {
  AttentionEngineConfig config;
  config.model = model.config;
  config.tensors = model.attention;
  config.kv = {64, 16, KvDtype::f32};
  config.max_model_len = 128;
  config.ffn_timeout = std::chrono::seconds(20);
  config.num_threads = 2;
  config.hello.worker_number = worker_number;
  return std::make_unique<AttentionEngine>(config, nullptr, [](const std::string&, const std::string&) {});
}

FfnEndpoint endpoint_of(const FfnEngine& engine, EndpointKind kind, const std::string& name) {
  if (kind == EndpointKind::loopback) return {kind, name};
  return {kind, kind == EndpointKind::shm ? engine.shm_address() : engine.tcp_address()};
}

struct Worker {
  std::string name;
  std::shared_ptr<FfnEngine> engine;
};

// One instance of all workers, which take equal shares.
FfnTopology topology_of(uint32_t epoch, const std::vector<Worker>& workers, EndpointKind kind) {
  FfnTopology topology{epoch, {{0, {}}}};
  const int size = static_cast<int>(workers.size());
  for (int rank = 0; rank < size; rank++) {
    const LeafRange leaves{rank * kNumVirtualShards / size, (rank + 1) * kNumVirtualShards / size};
    workers[rank].engine->assign(epoch, FfnSplit::ep, leaves, nullptr);
    topology.instances[0].members.push_back(
        {workers[rank].name, leaves, {endpoint_of(*workers[rank].engine, kind, workers[rank].name)}});
  }
  return topology;
}

Tokens prompt_of(uint32_t seq_id) {
  Tokens tokens;
  for (uint32_t i = 0; i < 5 + seq_id; i++) tokens.push_back(static_cast<int32_t>((seq_id * 7 + i * 3) % 64));
  return tokens;
}

StepPlan plan_of(int step, int num_ubatches) {
  StepPlan plan;
  plan.step_id = step;
  for (uint32_t seq_id = 0; seq_id < 4; seq_id++) {
    const uint32_t prompt = 5 + seq_id;
    if (step == 0) plan.new_sequences.push_back({seq_id, prompt_of(seq_id), prompt, 40, {}});
    const uint32_t computed = step == 0 ? 0 : prompt + static_cast<uint32_t>(step) - 1;
    std::vector<int32_t> blocks;
    if (step == 0) blocks = {static_cast<int32_t>(seq_id * 4), static_cast<int32_t>(seq_id * 4 + 1), static_cast<int32_t>(seq_id * 4 + 2)};
    plan.scheduled.push_back({seq_id, computed, step == 0 ? prompt : 1, seq_id % static_cast<uint32_t>(num_ubatches), blocks});
  }
  return plan;
}

// Two plans are always given. Returns every sampled token, by step and sequence.
Tokens generate(AttentionEngine& engine, int num_steps, int num_ubatches, const std::function<void(int)>& between = nullptr) {
  std::deque<std::future<AttentionEngine::Outcome>> running;
  Tokens tokens(static_cast<size_t>(num_steps) * 4);
  const auto take = [&](int step) {
    AttentionEngine::Outcome outcome = running.front().get();
    running.pop_front();
    if (outcome.error != nullptr) std::fprintf(stderr, "step %d: %s\n", step, outcome.error->code().c_str());
    CHECK(outcome.result != nullptr);
    for (const SampledToken& token : outcome.result->sampled) tokens[static_cast<size_t>(step) * 4 + token.seq_id] = token.token_id;
  };
  for (int step = 0; step < num_steps; step++) {
    auto promise = std::make_shared<std::promise<AttentionEngine::Outcome>>();
    running.push_back(promise->get_future());
    CHECK(engine.submit(plan_of(step, num_ubatches), [promise](AttentionEngine::Outcome outcome) { promise->set_value(std::move(outcome)); }));
    if (between) between(step);
    if (running.size() == 2) take(step - 1);
  }
  take(num_steps - 1);
  return tokens;
}

// Every connector, split over 1 to 3 workers, two attention engines at once.
void test_topologies(const TinyModel& model, const Tokens& expected) {
  for (const EndpointKind kind : {EndpointKind::loopback, EndpointKind::shm, EndpointKind::tcp}) {
    for (int num_workers = 1; num_workers <= 3; num_workers++) {
      std::vector<Worker> workers;
      for (int i = 0; i < num_workers; i++) {
        const std::string name = "w" + std::to_string(i);
        workers.push_back({name, start_ffn(model, name)});
      }
      const FfnTopology topology = topology_of(1, workers, kind);
      std::vector<std::future<Tokens>> outputs;
      for (uint32_t number = 1; number <= 2; number++) {
        outputs.push_back(std::async(std::launch::async, [&, number] {
          const auto engine = start_attention(model, number);
          engine->set_topology(topology);
          return generate(*engine, 12, static_cast<int>(number) + 1);
        }));
      }
      for (auto& output : outputs) CHECK(output.get() == expected);
      for (const Worker& worker : workers) worker.engine->stop();
    }
  }
}

// A worker stops in the middle of steps; another one takes its leaves under a new epoch.
void test_failover(const TinyModel& model, const Tokens& expected) {
  for (const EndpointKind kind : {EndpointKind::shm, EndpointKind::tcp}) {
    std::vector<Worker> workers{{"a", start_ffn(model, "a")}, {"b", start_ffn(model, "b")}};
    const auto engine = start_attention(model, 1);
    engine->set_topology(topology_of(1, workers, kind));
    uint32_t epoch = 1;
    const Tokens tokens = generate(*engine, 12, 2, [&](int step) {
      if (step % 3 != 1) return;
      workers[0].engine->stop();
      const std::string name = "c" + std::to_string(step);
      workers[0] = {name, start_ffn(model, name)};
      engine->set_topology(topology_of(++epoch, workers, kind));
      workers[1].engine->retire(epoch);
    });
    CHECK(tokens == expected);
    for (const Worker& worker : workers) worker.engine->stop();
  }
}

// Layers one by one over the leaves an engine computes with at the same time, while these come and go.
void test_layer_by_layer(const TinyModel& model, const Tokens& expected) {
  std::vector<Worker> workers{{"g", start_ffn(model, "g")}};
  const FfnTopology topology = topology_of(1, workers, EndpointKind::shm);
  auto output = std::async(std::launch::async, [&] {
    const auto engine = start_attention(model, 1);
    engine->set_topology(topology);
    return generate(*engine, 12, 2);
  });
  LayerByLayer layers(model);
  for (uint32_t i = 0; i < 40; i++) {
    const auto shard = workers[0].engine->find_shard(FfnSplit::ep, {0, kNumVirtualShards});
    CHECK(shard != nullptr);
    CHECK(layers.next_token(prompt_of(i % 4), *shard) == expected[i % 4]);
    if (i == 20) workers[0].engine->assign(2, FfnSplit::tp, {0, kNumVirtualShards}, nullptr);
  }
  CHECK(output.get() == expected);
  workers[0].engine->stop();
}

// Random bytes behind a good hello and before any: the engine refuses and goes on.
void test_hostile_peers(const TinyModel& model, const Tokens& expected) {
  std::vector<Worker> workers{{"h", start_ffn(model, "h")}};
  const auto engine = start_attention(model, 1);
  engine->set_topology(topology_of(1, workers, EndpointKind::tcp));
  self_test::Random random(5);
  const std::string tcp = workers[0].engine->tcp_address();
  const int port = std::stoi(tcp.substr(tcp.rfind(':') + 1));
  for (int i = 0; i < 200; i++) {
    const FileDescriptor socket = connect_socket("127.0.0.1", port, std::chrono::seconds(5));
    std::vector<std::byte> bytes;
    if (i % 2 == 0) bytes = encode_hello(Hello{});
    FrameHeader header = make_a2f_header(2, 32, FrameDtype::f32, static_cast<uint16_t>(i % 3));
    header.epoch = 1;
    header.layer_idx = static_cast<uint16_t>(i % 4);
    auto* raw = reinterpret_cast<std::byte*>(&header);
    if (i % 5 != 0) raw[random.below(sizeof header)] = static_cast<std::byte>(random.next());
    bytes.insert(bytes.end(), raw, raw + sizeof header);
    bytes.resize(bytes.size() + random.below(1000), std::byte{0x41});
    write_all(socket.get(), bytes);

    const FileDescriptor control = connect_control(workers[0].engine->shm_address(), std::chrono::seconds(5));
    bytes.resize(std::min<size_t>(bytes.size(), kMaxControlFrameBytes));
    const FileDescriptor memory = create_shared_memory("hostile", 4096);
    send_control(control.get(), bytes, i % 3 == 0 ? std::vector<int>{memory.get(), memory.get()} : std::vector<int>{});
  }
  CHECK(generate(*engine, 12, 1) == expected);
  workers[0].engine->stop();
}

// Mutated frames through the decoder, each in memory of exactly its size.
void test_decoder(int num_cases) {
  self_test::Random random(3);
  FrameHeader a2f = make_a2f_header(2, 16, FrameDtype::fp8_e4m3, 2);
  FrameHeader f2a = make_f2a_header(a2f, 3);
  for (int i = 0; i < num_cases; i++) {
    std::vector<std::byte> bytes;
    if (i % 4 == 0) bytes = encode_hello(Hello{});
    else if (i % 4 == 1) bytes = encode_error(&a2f, FrameStatus::internal, "why");
    const FrameHeader& header = i % 4 == 2 ? a2f : f2a;
    if (bytes.empty()) {
      bytes.resize(frame_bytes(header));
      std::memcpy(bytes.data(), &header, sizeof header);
    }
    for (size_t n = random.below(4); n > 0; n--) bytes[random.below(random.below(2) != 0 ? 64 : bytes.size())] = static_cast<std::byte>(random.next());
    if (random.below(4) == 0) bytes.resize(random.below(bytes.size()));
    bytes.shrink_to_fit();
    FrameView view;
    if (decode_frame(bytes.data(), bytes.size(), kMaxFrameBytes, &view) != FrameStatus::ok) continue;
    uint64_t sum = 0;
    for (int section = 0; section < kNumSections; section++) {
      for (uint32_t at = 0; at < view.header.section_bytes[section]; at++) sum += static_cast<uint64_t>(view.section[section][at]);
    }
    CHECK(sum < ~uint64_t{0});
  }
}

}  // namespace

void run() {
  const TinyModel model;
  std::vector<Worker> workers{{"first", start_ffn(model, "first")}};
  Tokens expected;
  {
    const auto engine = start_attention(model, 1);
    engine->set_topology(topology_of(1, workers, EndpointKind::loopback));
    expected = generate(*engine, 12, 1);
  }
  workers[0].engine->stop();
  std::puts("decoder");
  test_decoder(200'000);
  std::puts("topologies");
  test_topologies(model, expected);
  std::puts("failover");
  test_failover(model, expected);
  std::puts("layer by layer");
  test_layer_by_layer(model, expected);
  std::puts("hostile peers");
  test_hostile_peers(model, expected);
  std::puts("engine tests passed");
}

}  // namespace tandem::engine_test

int main() {
  tandem::engine_test::run();
  return 0;
}
