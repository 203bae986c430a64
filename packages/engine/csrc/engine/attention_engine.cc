#include "engine/attention_engine.h"

#include <pthread.h>

#include <algorithm>
#include <map>

#include "threads/process_placement.h"

namespace tandem {

namespace {

// The running step and the one behind it.
constexpr size_t kMaxJobs = 2;
// Frames one FFN worker may owe us: every ubatch has one, and those of a failed step may still be on their way.
constexpr int kNumSlots = 16;
// Roots of a range of 8 leaves: at most 4.
constexpr size_t kMaxRoots = 4;
// Logits held at a time: 64 rows of a 128k vocabulary are 32 MB.
constexpr size_t kLogitRows = 64;

double microseconds(std::chrono::steady_clock::duration span) {
  return std::chrono::duration<double, std::micro>(span).count();
}

ChannelLimits limits_for(const ModelConfig& model) {
  size_t top_k = 0;
  for (const FfnConfig& ffn : model.ffn) top_k = std::max(top_k, ffn.top_k());
  FrameHeader request = make_a2f_header(kMaxFrameRows, static_cast<uint32_t>(model.hidden_size), FrameDtype::f32,
                                        static_cast<uint16_t>(top_k));
  FrameHeader reply = make_f2a_header(request, kMaxRoots);
  return {kNumSlots, frame_bytes(request), frame_bytes(reply)};
}

}  // namespace

AttentionEngine::AttentionEngine(const AttentionEngineConfig& config, LoadProgress progress,
                                 FfnDialer::PeerDown peer_down)
    : config_(config),
      doorbell_(std::make_shared<Doorbell>()),
      pool_(placed_pool({config.num_threads, config.pinning, -1, doorbell_->crew()})),
      layers_(config.model, config.tensors, config.kv, pool_, std::move(progress)),
      io_loop_(std::make_shared<IoLoop>()),
      router_(ConnectContext{io_loop_, doorbell_, config.hello, limits_for(config.model)}, std::move(peer_down)),
      exchange_({config.model.hidden_size, config.hello.worker_number, config.activation_dtype, config.ffn_timeout},
                router_, pool_),
      table_({config.kv.block_size, config.kv.num_blocks, config.max_model_len, config.model.vocab_size}) {
  if (pool_.is_bound()) doorbell_->fill_cores();
  for (int i = 0; i < pool_.num_threads(); i++) samplers_.emplace_back(config.model.vocab_size);
  thread_ = std::thread([this] { run(); });
}

void AttentionEngine::abort() {
  aborting_ = true;
  stop();
}

void AttentionEngine::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  doorbell_->ring();
  thread_.join();
  router_.close();
  io_loop_->stop();
}

bool AttentionEngine::submit(StepPlan plan, Done done) {
  {
    std::lock_guard<std::mutex> lock(jobs_mutex_);
    if (jobs_in_flight_ >= kMaxJobs) return false;
    jobs_in_flight_++;
    jobs_.push_back({std::move(plan), std::move(done), num_failures_.load()});
    has_jobs_ = true;
  }
  doorbell_->ring();
  return true;
}

AttentionEngineStats AttentionEngine::stats() const {
  const ExchangeCounters& counters = exchange_.counters();
  return {num_sequences_, num_steps_, counters.frames_sent, counters.frames_resent, counters.bytes_sent,
          counters.bytes_received};
}

bool AttentionEngine::next_job(Job* job) {
  std::lock_guard<std::mutex> lock(jobs_mutex_);
  if (jobs_.empty()) return false;
  *job = std::move(jobs_.front());
  jobs_.pop_front();
  has_jobs_ = !jobs_.empty();
  return true;
}

void AttentionEngine::run() {
  ::pthread_setname_np(::pthread_self(), "tandem-attn");
  pool_.bind_caller();
  const auto ready = [this] { return has_jobs_.load(std::memory_order_acquire) || stopping_.load(); };
  while (true) {
    if (!doorbell_->wait_awake(ready)) {
      pool_.hand_over();
      doorbell_->wait_asleep(ready, [] { return SteadyTime::max(); });
    }
    Job job;
    if (!next_job(&job)) {
      if (stopping_) break;
      continue;
    }
    Outcome outcome;
    try {
      // A plan made before a failure was known builds on tokens that do not exist.
      if (job.num_failures != num_failures_) throw EngineError("step_aborted", {{"stepId", job.plan.step_id}});
      outcome.result = run_step(job.plan);
    } catch (const EngineError& error) {
      if (error.code() != "step_aborted") num_failures_++;
      outcome.error = std::make_unique<EngineError>(error);
    } catch (const std::bad_alloc&) {
      num_failures_++;
      outcome.error = std::make_unique<EngineError>("out_of_memory", std::vector<ErrorFact>{});
    }
    {
      std::lock_guard<std::mutex> lock(jobs_mutex_);
      jobs_in_flight_--;
    }
    job.done(std::move(outcome));
  }
}

std::unique_ptr<StepResult> AttentionEngine::run_step(StepPlan& plan) {
  const SteadyTime start = std::chrono::steady_clock::now();
  auto result = std::make_unique<StepResult>();
  result->step_id = plan.step_id;
  const std::vector<ScheduledRows> rows = table_.apply(plan);
  expect_blocks(plan);
  try {
    lay_out(plan, rows);
    run_layers(&result->timings);
    const SteadyTime sample_start = std::chrono::steady_clock::now();
    sample(result.get());
    result->timings.sample_us = microseconds(std::chrono::steady_clock::now() - sample_start);
  } catch (...) {
    table_.roll_back();
    throw;
  }
  table_.commit(rows);
  for (SampledToken& token : result->sampled) {
    for (const ScheduledRows& row : rows) {
      if (row.sequence->seq_id != token.seq_id) continue;
      token.finish_reason = table_.append_sampled(row.sequence.get(), token.token_id);
      break;
    }
  }
  num_steps_++;
  num_sequences_ = table_.size();
  result->timings.step_us = microseconds(std::chrono::steady_clock::now() - start);
  return result;
}

void AttentionEngine::expect_blocks(const StepPlan& plan) {
  int32_t num_blocks = 0;
  for (const ScheduledSequence& scheduled : plan.scheduled) {
    for (int32_t block_id : scheduled.new_block_ids) num_blocks = std::max(num_blocks, block_id + 1);
  }
  layers_.expect_blocks(static_cast<size_t>(num_blocks));
}

void AttentionEngine::lay_out(const StepPlan& plan, const std::vector<ScheduledRows>& rows) {
  std::map<uint32_t, std::vector<ScheduledRows>> groups;
  for (const ScheduledRows& row : rows) groups[row.ubatch_idx].push_back(row);
  num_lanes_ = 0;
  for (auto& [ubatch_idx, group] : groups) {
    if (num_lanes_ == lanes_.size()) lanes_.push_back(std::make_unique<Lane>());
    Lane& lane = *lanes_[num_lanes_++];
    lane.rows = std::move(group);
    lane.num_layers_done = 0;
    lane.waiting = false;
    lane.ubatch.ubatch_idx = static_cast<uint16_t>(ubatch_idx);
    lane.ubatch.ffn_instance =
        ubatch_idx < plan.ffn_instance_of_ubatch.size() ? plan.ffn_instance_of_ubatch[ubatch_idx] : -1;
    lay_out_rows(&lane);
  }
}

void AttentionEngine::lay_out_rows(Lane* lane) {
  clear_rows(&lane->ubatch);
  for (const ScheduledRows& row : lane->rows) {
    const Sequence& sequence = *row.sequence;
    append_sequence(&lane->ubatch, sequence.token_ids.data() + row.start_position, row.num_tokens, row.start_position,
                    sequence.block_table.data(), config_.kv.block_size);
  }
}

void AttentionEngine::run_layers(StepTimings* timings) {
  std::deque<Lane*> ready;
  std::vector<FfnCall*> calls;
  size_t num_finished = 0;
  std::chrono::steady_clock::duration waited{};
  const SteadyTime start = std::chrono::steady_clock::now();
  try {
    for (size_t i = 0; i < num_lanes_; i++) {
      layers_.begin(&lanes_[i]->ubatch);
      ready.push_back(lanes_[i].get());
    }
    while (num_finished < num_lanes_) {
      if (ready.empty()) {
        const SteadyTime wait_start = std::chrono::steady_clock::now();
        wait_for_output(&calls, &ready);
        waited += std::chrono::steady_clock::now() - wait_start;
        continue;
      }
      Lane* lane = ready.front();
      ready.pop_front();
      advance_lane(lane, &calls, &ready, &num_finished);
    }
  } catch (...) {
    exchange_.abandon(calls);
    throw;
  }
  timings->ffn_wait_us = microseconds(waited);
  timings->attention_us = microseconds(std::chrono::steady_clock::now() - start - waited);
}

void AttentionEngine::wait_for_output(std::vector<FfnCall*>* calls, std::deque<Lane*>* ready) {
  const auto collected = [&] {
    if (aborting_.load(std::memory_order_relaxed)) throw EngineError("engine_disposed", {});
    return collect_ready(calls, ready);
  };
  if (doorbell_->wait_awake(collected)) return;
  pool_.hand_over();
  doorbell_->wait_asleep(collected, [&] { return exchange_.next_event(*calls); });
}

void AttentionEngine::advance_lane(Lane* lane, std::vector<FfnCall*>* calls, std::deque<Lane*>* ready,
                                   size_t* num_finished) {
  const size_t layer_idx = lane->num_layers_done;
  if (layer_idx > 0) exchange_.add_to_residual(&lane->call);
  if (layer_idx == config_.model.num_layers) {
    ++*num_finished;
    return;
  }
  layers_.attend(layer_idx, &lane->ubatch);
  lane->num_layers_done++;
  lane->waiting = true;
  exchange_.start(&lane->call, &lane->ubatch, layer_idx, config_.model.ffn[layer_idx].top_k(), ready->empty());
  calls->push_back(&lane->call);
  collect_ready(calls, ready);
}

bool AttentionEngine::collect_ready(std::vector<FfnCall*>* calls, std::deque<Lane*>* ready) {
  if (!exchange_.advance(*calls)) return false;
  for (size_t i = 0; i < num_lanes_; i++) {
    Lane& lane = *lanes_[i];
    if (!lane.waiting || !lane.call.done()) continue;
    lane.waiting = false;
    std::erase(*calls, &lane.call);
    ready->push_back(&lane);
  }
  return !ready->empty();
}

std::vector<AttentionEngine::WantedRow> AttentionEngine::wanted_rows() const {
  std::vector<WantedRow> wanted;
  const size_t hidden = config_.model.hidden_size;
  for (size_t i = 0; i < num_lanes_; i++) {
    const Lane& lane = *lanes_[i];
    for (size_t s = 0; s < lane.rows.size(); s++) {
      const ScheduledRows& row = lane.rows[s];
      const float* residual = lane.ubatch.residual.data() + lane.ubatch.sequences[s].first_row * hidden;
      if (row.sequence->sampling.prompt_logprobs >= 0) {
        // The row at position p scores the prompt token at p + 1.
        for (uint32_t r = 0; r < row.num_tokens; r++) {
          const uint32_t position = row.start_position + r + 1;
          if (position < row.sequence->num_prompt_tokens) wanted.push_back({&row, residual + r * hidden, position});
        }
      }
      if (row.sampled) wanted.push_back({&row, residual + (row.num_tokens - 1) * hidden, 0});
    }
  }
  return wanted;
}

void AttentionEngine::sample(StepResult* result) {
  const std::vector<WantedRow> wanted = wanted_rows();
  const size_t vocab_size = config_.model.vocab_size;
  for (size_t start = 0; start < wanted.size(); start += kLogitRows) {
    const size_t count = std::min(kLogitRows, wanted.size() - start);
    std::vector<const float*> residuals;
    for (size_t i = 0; i < count; i++) residuals.push_back(wanted[start + i].residual);
    const float* logits = layers_.logits(residuals);
    std::vector<SampledToken> sampled(count);
    std::vector<TokenLogprobs> scored(count);
    pool_.parallel_for(count, 1, [&](size_t begin, size_t end, int thread_idx) {
      Sampler& sampler = samplers_[thread_idx];
      for (size_t i = begin; i < end; i++) {
        const WantedRow& want = wanted[start + i];
        const Sequence& sequence = *want.scheduled->sequence;
        const SamplingParams& params = sequence.sampling;
        const float* row = logits + i * layers_.logits_stride();
        if (want.scored_position > 0) {
          scored[i] = sampler.logprobs(row, sequence.token_ids[want.scored_position], params.prompt_logprobs);
          continue;
        }
        SampledToken& token = sampled[i];
        token.seq_id = sequence.seq_id;
        token.position = static_cast<uint32_t>(sequence.token_ids.size());
        token.token_id = sampler.sample(row, sequence);
        if (params.logprobs >= 0) token.logprobs = sampler.logprobs(row, token.token_id, params.logprobs);
      }
    });
    for (size_t i = 0; i < count; i++) {
      const WantedRow& want = wanted[start + i];
      if (want.scored_position == 0) {
        result->sampled.push_back(std::move(sampled[i]));
      } else {
        result->prompt_logprobs.push_back({want.scheduled->sequence->seq_id, want.scored_position, std::move(scored[i])});
      }
    }
  }
}

}  // namespace tandem
