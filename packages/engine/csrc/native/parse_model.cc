#include "native/parse_model.h"

#include <algorithm>

#include "native/js_values.h"

namespace tandem {

namespace {

TensorDtype parse_dtype(const std::string& name) {
  // The order of `tensorDtypes` in packages/model/src/weights.ts.
  static const char* const names[kNumTensorDtypes] = {"F32",  "F16",  "BF16", "F8_E4M3", "Q8_0", "Q4_0",
                                                      "Q4_1", "Q5_0", "Q5_1", "Q4_K",    "Q5_K", "Q6_K"};
  for (int i = 0; i < kNumTensorDtypes; i++) {
    if (name == names[i]) return static_cast<TensorDtype>(i);
  }
  throw EngineError("tensor_unsupported", {{"tensor", name}, {"reason", std::string("unknown dtype")}});
}

TensorRef parse_tensor(const Napi::Object& ref) {
  TensorRef tensor;
  tensor.name = string_of(ref, "name");
  tensor.dtype = parse_dtype(string_of(ref, "dtype"));
  tensor.shape = numbers_of<size_t>(ref.Get("shape"));
  tensor.path = string_of(ref, "path");
  tensor.offset = static_cast<uint64_t>(number_of(ref, "offset"));
  tensor.num_bytes = static_cast<uint64_t>(number_of(ref, "byteLength"));
  if (has(ref, "blockScale")) {
    const Napi::Object scale = object_of(ref, "blockScale");
    tensor.block_scale = std::make_shared<TensorRef>(parse_tensor(object_of(scale, "ref")));
    tensor.block_rows = size_of(scale, "blockRows");
    tensor.block_columns = size_of(scale, "blockColumns");
  }
  return tensor;
}

OptionalTensor parse_optional(const Napi::Object& weights, const char* key) {
  if (!has(weights, key)) return std::nullopt;
  return parse_tensor(object_of(weights, key));
}

AttentionConfig parse_attention(const Napi::Object& config) {
  AttentionConfig attention;
  const std::string kind = string_of(config, "kind");
  attention.num_heads = size_of(config, "numHeads");
  attention.scale = static_cast<float>(number_of(config, "scale"));
  if (kind == "mla") {
    attention.kind = AttentionKind::mla;
    attention.q_lora_rank = has(config, "qLoraRank") ? size_of(config, "qLoraRank") : 0;
    attention.kv_lora_rank = size_of(config, "kvLoraRank");
    attention.qk_nope_head_dim = size_of(config, "qkNopeHeadDim");
    attention.qk_rope_head_dim = size_of(config, "qkRopeHeadDim");
    attention.v_head_dim = size_of(config, "vHeadDim");
    attention.lora_norm_eps = static_cast<float>(number_of(config, "loraNormEps"));
    return attention;
  }
  attention.num_kv_heads = size_of(config, "numKvHeads");
  attention.head_dim = size_of(config, "headDim");
  if (kind == "mfa") {
    attention.kind = AttentionKind::mfa;
    attention.share_q_dim = size_of(config, "shareQDim");
  }
  return attention;
}

RouterConfig parse_router(const Napi::Object& config) {
  RouterConfig router;
  router.sigmoid = string_of(config, "scoring") == "sigmoid";
  router.top_k = size_of(config, "topK");
  router.num_groups = size_of(config, "numGroups");
  router.top_k_groups = size_of(config, "topKGroups");
  router.group_top2_sum = string_of(config, "groupScore") == "top2_sum";
  router.norm_topk = bool_of(config, "normTopk");
  router.scaling_factor = static_cast<float>(number_of(config, "scalingFactor"));
  return router;
}

FfnConfig parse_ffn(const Napi::Object& config) {
  FfnConfig ffn;
  ffn.moe = string_of(config, "kind") == "moe";
  ffn.intermediate_size = size_of(config, "intermediateSize");
  if (ffn.moe) {
    ffn.num_experts = size_of(config, "numExperts");
    ffn.shared_intermediate_size = size_of(config, "sharedIntermediateSize");
    ffn.router = parse_router(object_of(config, "router"));
  }
  return ffn;
}

AttentionTensors parse_attention_weights(const Napi::Object& weights) {
  AttentionTensors tensors;
  tensors.q = parse_optional(weights, "q");
  tensors.k = parse_optional(weights, "k");
  tensors.v = parse_optional(weights, "v");
  tensors.o = parse_optional(weights, "o");
  tensors.q_bias = parse_optional(weights, "qBias");
  tensors.k_bias = parse_optional(weights, "kBias");
  tensors.v_bias = parse_optional(weights, "vBias");
  tensors.q_norm = parse_optional(weights, "qNorm");
  tensors.k_norm = parse_optional(weights, "kNorm");
  tensors.q_a = parse_optional(weights, "qA");
  tensors.q_a_norm = parse_optional(weights, "qANorm");
  tensors.q_b = parse_optional(weights, "qB");
  tensors.kv_a = parse_optional(weights, "kvA");
  tensors.kv_a_norm = parse_optional(weights, "kvANorm");
  tensors.kv_b = parse_optional(weights, "kvB");
  tensors.k_b = parse_optional(weights, "kB");
  tensors.v_b = parse_optional(weights, "vB");
  return tensors;
}

GatedMlpTensors parse_mlp(const Napi::Object& weights) {
  return {parse_tensor(object_of(weights, "gate")), parse_tensor(object_of(weights, "up")),
          parse_tensor(object_of(weights, "down"))};
}

void copy_digest(const Napi::Object& object, const char* key, std::byte* digest) {
  const auto bytes = object.Get(key).As<Napi::Uint8Array>();
  std::memcpy(digest, bytes.Data(), std::min<size_t>(bytes.ByteLength(), kDigestBytes));
}

}  // namespace

ModelConfig parse_model_config(const Napi::Object& config) {
  ModelConfig model;
  model.vocab_size = size_of(config, "vocabSize");
  model.hidden_size = size_of(config, "hiddenSize");
  model.num_layers = size_of(config, "numLayers");
  model.rms_norm_eps = static_cast<float>(number_of(config, "rmsNormEps"));
  model.attention = parse_attention(object_of(config, "attention"));
  const Napi::Object rope = object_of(config, "rope");
  model.rope.dim = size_of(rope, "dim");
  model.rope.interleaved = bool_of(rope, "interleaved");
  const auto inv_freq = rope.Get("invFreq").As<Napi::Float32Array>();
  model.rope.inv_freq.assign(inv_freq.Data(), inv_freq.Data() + inv_freq.ElementLength());
  model.rope.attention_factor = static_cast<float>(number_of(rope, "attentionFactor"));
  for_each(config.Get("ffn"), [&](const Napi::Object& ffn) { model.ffn.push_back(parse_ffn(ffn)); });
  return model;
}

AttentionSideTensors parse_attention_tensors(const Napi::Object& weights) {
  AttentionSideTensors tensors;
  tensors.token_embd = parse_tensor(object_of(weights, "tokenEmbd"));
  tensors.output_norm = parse_tensor(object_of(weights, "outputNorm"));
  tensors.lm_head = parse_tensor(object_of(weights, "lmHead"));
  for_each(weights.Get("layers"), [&](const Napi::Object& layer) {
    AttentionLayerTensors& parsed = tensors.layers.emplace_back();
    parsed.attn_norm = parse_tensor(object_of(layer, "attnNorm"));
    parsed.ffn_norm = parse_tensor(object_of(layer, "ffnNorm"));
    parsed.attention = parse_attention_weights(object_of(layer, "attention"));
    parsed.router = parse_optional(layer, "router");
    parsed.router_bias = parse_optional(layer, "routerBias");
  });
  return tensors;
}

FfnSideTensors parse_ffn_tensors(const Napi::Object& weights) {
  FfnSideTensors tensors;
  for_each(weights.Get("layers"), [&](const Napi::Object& layer) {
    FfnLayerTensors& parsed = tensors.layers.emplace_back();
    if (string_of(layer, "kind") == "dense") {
      parsed.dense = parse_mlp(layer);
      return;
    }
    for_each(layer.Get("experts"), [&](const Napi::Object& expert) { parsed.experts.push_back(parse_mlp(expert)); });
    if (has(layer, "shared")) parsed.shared = parse_mlp(object_of(layer, "shared"));
  });
  return tensors;
}

KvOptions parse_kv_options(const Napi::Object& options) {
  KvOptions kv;
  kv.num_blocks = size_of(options, "kvBlocks");
  kv.block_size = size_of(options, "blockSize");
  kv.dtype = static_cast<KvDtype>(static_cast<int>(number_of(options, "kvDtype")));
  return kv;
}

Hello parse_hello(const Napi::Object& object) {
  Hello hello;
  hello.worker_number = static_cast<uint32_t>(number_of(object, "workerNumber"));
  hello.worker_id = string_of(object, "workerId").substr(0, kMaxWorkerIdBytes);
  copy_digest(object, "tokenDigest", hello.token_digest);
  copy_digest(object, "modelFingerprint", hello.model_fingerprint);
  return hello;
}

Pinning pinning_of(const Napi::Object& options) {
  const std::string name = string_of(options, "pinThreads");
  if (name == "never") return Pinning::never;
  return name == "always" ? Pinning::always : Pinning::automatic;
}

}  // namespace tandem
