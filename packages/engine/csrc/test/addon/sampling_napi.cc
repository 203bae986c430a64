// Owns the test surface of the sampler.
#include "kernels/sampler.h"
#include "test/addon/arguments.h"

namespace tandem {
namespace {

/** sampleToken(params, tokenIds, numPromptTokens, position, logits); params.biasIds, params.biasValues. */
Napi::Value sample_token_js(const Napi::CallbackInfo& info) {
  const Napi::Object options = object_at(info, 0);
  SamplerParams params;
  params.temperature = number_of(options, "temperature");
  params.top_k = static_cast<int64_t>(number_of(options, "topK"));
  params.top_p = number_of(options, "topP");
  params.min_p = number_of(options, "minP");
  params.seed = static_cast<int64_t>(number_of(options, "seed"));
  params.repetition_penalty = number_of(options, "repetitionPenalty");
  params.presence_penalty = number_of(options, "presencePenalty");
  params.frequency_penalty = number_of(options, "frequencyPenalty");
  const auto bias_ids = options.Get("biasIds").As<Napi::Int32Array>();
  params.bias_token_ids = bias_ids.Data();
  params.bias_values = options.Get("biasValues").As<Napi::Float64Array>().Data();
  params.num_biases = bias_ids.ElementLength();
  const auto tokens = info[1].As<Napi::Int32Array>();
  const auto logits = info[4].As<Napi::Float32Array>();
  const size_t vocab_size = logits.ElementLength();
  std::vector<double> workspace(sample_workspace_bytes(vocab_size) / sizeof(double) + 1);
  const TokenHistory history{tokens.Data(), tokens.ElementLength(), size_at(info, 2)};
  return Napi::Number::New(info.Env(), sample_token(params, history, static_cast<int64_t>(number_at(info, 3)), logits.Data(), vocab_size, workspace.data()));
}

Napi::Value entry_to_js(Napi::Env env, const LogprobEntry& entry) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("tokenId", entry.token_id);
  result.Set("logprob", entry.logprob);
  return result;
}

/** logProbability(logits, tokenId, numTop): {tokenId, logprob, rank, top} */
Napi::Value log_probability_js(const Napi::CallbackInfo& info) {
  const auto logits = info[0].As<Napi::Float32Array>();
  const size_t vocab_size = logits.ElementLength(), num_top = size_at(info, 2);
  std::vector<double> workspace(sample_workspace_bytes(vocab_size) / sizeof(double) + 1);
  std::vector<LogprobEntry> top(num_top);
  int32_t rank = 0;
  const LogprobEntry chosen = log_probability(logits.Data(), vocab_size, static_cast<int32_t>(size_at(info, 1)), &rank, top.data(), num_top, workspace.data());
  auto result = entry_to_js(info.Env(), chosen).As<Napi::Object>();
  result.Set("rank", rank);
  auto entries = Napi::Array::New(info.Env());
  for (uint32_t i = 0; i < num_top; i++) entries.Set(i, entry_to_js(info.Env(), top[i]));
  result.Set("top", entries);
  return result;
}

/** philox(counter, key): four words. */
Napi::Value philox_js(const Napi::CallbackInfo& info) {
  auto out = Napi::Uint32Array::New(info.Env(), 4);
  philox4x32(info[0].As<Napi::Uint32Array>().Data(), info[1].As<Napi::Uint32Array>().Data(), out.Data());
  return out;
}

}  // namespace

void register_sampling(Napi::Env, Napi::Object exports) {
  add(exports, "sampleToken", sample_token_js);
  add(exports, "logProbability", log_probability_js);
  add(exports, "philox", philox_js);
}

}  // namespace tandem
