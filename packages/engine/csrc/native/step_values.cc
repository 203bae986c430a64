#include "native/step_values.h"

#include "native/js_values.h"

namespace tandem {

namespace {

SamplingParams parse_sampling(const Napi::Object& object) {
  SamplingParams params;
  params.temperature = number_of(object, "temperature");
  params.top_k = static_cast<int32_t>(number_of(object, "topK"));
  params.top_p = number_of(object, "topP");
  params.min_p = number_of(object, "minP");
  params.seed = number_of(object, "seed");
  params.repetition_penalty = number_of(object, "repetitionPenalty");
  params.presence_penalty = number_of(object, "presencePenalty");
  params.frequency_penalty = number_of(object, "frequencyPenalty");
  const auto biases = object.Get("logitBias").As<Napi::Array>();
  for (uint32_t i = 0; i < biases.Length(); i++) {
    const auto pair = numbers_of<double>(biases.Get(i));
    params.bias_token_ids.push_back(static_cast<int32_t>(pair.at(0)));
    params.bias_values.push_back(pair.at(1));
  }
  params.stop_token_ids = numbers_of<int32_t>(object.Get("stopTokenIds"));
  if (has(object, "logprobs")) params.logprobs = static_cast<int32_t>(number_of(object, "logprobs"));
  if (has(object, "promptLogprobs")) params.prompt_logprobs = static_cast<int32_t>(number_of(object, "promptLogprobs"));
  return params;
}

Napi::Object to_js(Napi::Env env, const TokenLogprob& entry) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("tokenId", entry.token_id);
  object.Set("logprob", entry.logprob);
  return object;
}

Napi::Object to_js(Napi::Env env, const TokenLogprobs& logprobs) {
  Napi::Object object = to_js(env, logprobs.chosen);
  object.Set("rank", logprobs.rank);
  Napi::Array top = Napi::Array::New(env, logprobs.top.size());
  for (uint32_t i = 0; i < logprobs.top.size(); i++) top.Set(i, to_js(env, logprobs.top[i]));
  object.Set("top", top);
  return object;
}

Napi::Object to_js(Napi::Env env, const SampledToken& token) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("seqId", token.seq_id);
  object.Set("position", token.position);
  object.Set("tokenId", token.token_id);
  if (token.logprobs.has_value()) object.Set("logprobs", to_js(env, *token.logprobs));
  if (token.finish_reason == FinishReason::stop) object.Set("finishReason", "stop");
  if (token.finish_reason == FinishReason::length) object.Set("finishReason", "length");
  return object;
}

EndpointKind parse_endpoint_kind(const std::string& kind) {
  if (kind == "loopback") return EndpointKind::loopback;
  return kind == "shm" ? EndpointKind::shm : EndpointKind::tcp;
}

}  // namespace

StepPlan parse_step_plan(const Napi::Object& object) {
  StepPlan plan;
  plan.step_id = number_of(object, "stepId");
  plan.removed_seq_ids = numbers_of<uint32_t>(object.Get("removedSeqIds"));
  for_each(object.Get("newSequences"), [&](const Napi::Object& created) {
    NewSequence& sequence = plan.new_sequences.emplace_back();
    sequence.seq_id = static_cast<uint32_t>(number_of(created, "seqId"));
    sequence.token_ids = numbers_of<int32_t>(created.Get("tokenIds"));
    sequence.num_prompt_tokens = static_cast<uint32_t>(number_of(created, "numPromptTokens"));
    sequence.max_tokens = static_cast<uint32_t>(number_of(created, "maxTokens"));
    sequence.sampling = parse_sampling(object_of(created, "sampling"));
  });
  for_each(object.Get("scheduled"), [&](const Napi::Object& line) {
    ScheduledSequence& scheduled = plan.scheduled.emplace_back();
    scheduled.seq_id = static_cast<uint32_t>(number_of(line, "seqId"));
    scheduled.num_computed_tokens = static_cast<uint32_t>(number_of(line, "numComputedTokens"));
    scheduled.num_scheduled_tokens = static_cast<uint32_t>(number_of(line, "numScheduledTokens"));
    scheduled.ubatch_idx = static_cast<uint32_t>(number_of(line, "ubatchIdx"));
    scheduled.new_block_ids = numbers_of<int32_t>(line.Get("newBlockIds"));
  });
  plan.ffn_instance_of_ubatch = numbers_of<int32_t>(object.Get("ffnInstanceOfUbatch"));
  return plan;
}

FfnTopology parse_topology(const Napi::Object& object) {
  FfnTopology topology;
  topology.epoch = static_cast<uint32_t>(number_of(object, "epoch"));
  for_each(object.Get("instances"), [&](const Napi::Object& value) {
    FfnInstance& instance = topology.instances.emplace_back();
    instance.instance_idx = static_cast<int>(number_of(value, "instanceIdx"));
    for_each(value.Get("members"), [&](const Napi::Object& entry) {
      FfnMember& member = instance.members.emplace_back();
      member.worker_id = string_of(entry, "workerId");
      const Napi::Object shards = object_of(entry, "shards");
      member.shards = {static_cast<int>(number_of(shards, "start")), static_cast<int>(number_of(shards, "end"))};
      for_each(entry.Get("endpoints"), [&](const Napi::Object& endpoint) {
        member.endpoints.push_back({parse_endpoint_kind(string_of(endpoint, "connector")), string_of(endpoint, "address")});
      });
    });
  });
  return topology;
}

Napi::Object to_js(Napi::Env env, const StepResult& result) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("stepId", result.step_id);
  Napi::Array sampled = Napi::Array::New(env, result.sampled.size());
  for (uint32_t i = 0; i < result.sampled.size(); i++) sampled.Set(i, to_js(env, result.sampled[i]));
  object.Set("sampled", sampled);
  Napi::Array scored = Napi::Array::New(env, result.prompt_logprobs.size());
  for (uint32_t i = 0; i < result.prompt_logprobs.size(); i++) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("seqId", result.prompt_logprobs[i].seq_id);
    entry.Set("position", result.prompt_logprobs[i].position);
    entry.Set("logprobs", to_js(env, result.prompt_logprobs[i].logprobs));
    scored.Set(i, entry);
  }
  object.Set("promptLogprobs", scored);
  Napi::Object timings = Napi::Object::New(env);
  timings.Set("stepUs", result.timings.step_us);
  timings.Set("attentionUs", result.timings.attention_us);
  timings.Set("ffnWaitUs", result.timings.ffn_wait_us);
  timings.Set("sampleUs", result.timings.sample_us);
  object.Set("timings", timings);
  return object;
}

}  // namespace tandem
