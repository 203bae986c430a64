// Owns the test surface of the row-wise kernels, RoPE and the router.
#include "kernels/activations.h"
#include "kernels/rope.h"
#include "kernels/router.h"
#include "test/addon/arguments.h"

namespace tandem {
namespace {

Napi::Value blocks_to_js(Napi::Env env, const std::vector<QuantBlock>& blocks) {
  auto bytes = Napi::Uint8Array::New(env, blocks.size() * sizeof(QuantBlock));
  if (!blocks.empty()) std::memcpy(bytes.Data(), blocks.data(), bytes.ByteLength());
  return bytes;
}

/** quantizeRows(x, numRows, numColumns): the QuantBlocks, 64 bytes each. */
Napi::Value quantize_rows_js(const Napi::CallbackInfo& info) {
  const size_t rows = size_at(info, 1), columns = size_at(info, 2);
  std::vector<QuantBlock> blocks(rows * quant_blocks(columns));
  quantize_rows(floats_at(info, 0), columns, rows, columns, blocks.data(), quant_blocks(columns));
  return blocks_to_js(info.Env(), blocks);
}

/** rmsNorm(x, weight, eps, numRows, y) */
Napi::Value rms_norm_js(const Napi::CallbackInfo& info) {
  const size_t columns = info[1].As<Napi::Float32Array>().ElementLength();
  rms_norm(floats_at(info, 0), columns, floats_at(info, 1), static_cast<float>(number_at(info, 2)), size_at(info, 3), columns, floats_at(info, 4), columns);
  return info.Env().Undefined();
}

/** rmsNormQuantize(x, weight, eps, numRows, y): QuantBlocks; y gets the normalised rows. */
Napi::Value rms_norm_quantize_js(const Napi::CallbackInfo& info) {
  const size_t columns = info[1].As<Napi::Float32Array>().ElementLength(), rows = size_at(info, 3);
  std::vector<QuantBlock> blocks(rows * quant_blocks(columns));
  rms_norm_quantize(floats_at(info, 0), columns, floats_at(info, 1), static_cast<float>(number_at(info, 2)), rows, columns, blocks.data(),
                    quant_blocks(columns), floats_at(info, 4), columns);
  return blocks_to_js(info.Env(), blocks);
}

/** swiglu(gate, up, numRows, numColumns, y) */
Napi::Value swiglu_js(const Napi::CallbackInfo& info) {
  const size_t rows = size_at(info, 2), columns = size_at(info, 3);
  swiglu(floats_at(info, 0), columns, floats_at(info, 1), columns, rows, columns, floats_at(info, 4), columns);
  return info.Env().Undefined();
}

Napi::Value swiglu_quantize_js(const Napi::CallbackInfo& info) {
  const size_t rows = size_at(info, 2), columns = size_at(info, 3);
  std::vector<QuantBlock> blocks(rows * quant_blocks(columns));
  swiglu_quantize(floats_at(info, 0), columns, floats_at(info, 1), columns, rows, columns, blocks.data(), quant_blocks(columns));
  return blocks_to_js(info.Env(), blocks);
}

/** toBf16(x): bits; fromBf16(bits): values. */
Napi::Value to_bf16_js(const Napi::CallbackInfo& info) {
  const auto x = info[0].As<Napi::Float32Array>();
  auto bits = Napi::Uint16Array::New(info.Env(), x.ElementLength());
  to_bf16(x.Data(), bits.Data(), x.ElementLength());
  return bits;
}
Napi::Value from_bf16_js(const Napi::CallbackInfo& info) {
  const auto bits = info[0].As<Napi::Uint16Array>();
  auto x = Napi::Float32Array::New(info.Env(), bits.ElementLength());
  from_bf16(bits.Data(), x.Data(), bits.ElementLength());
  return x;
}

/** rope(x, numHeads, headStride, {dim, interleaved, invFreq, attentionFactor}, position): in place. */
Napi::Value rope_js(const Napi::CallbackInfo& info) {
  const Napi::Object options = object_at(info, 3);
  const RopeParams params{size_of(options, "dim"), flag_of(options, "interleaved"), options.Get("invFreq").As<Napi::Float32Array>().Data(),
                          static_cast<float>(number_of(options, "attentionFactor"))};
  std::vector<float> cos(params.dim / 2), sin(params.dim / 2);
  rope_angles(params, static_cast<int64_t>(number_at(info, 4)), cos.data(), sin.data());
  rope_rotate(params, cos.data(), sin.data(), floats_at(info, 0), size_at(info, 1), size_at(info, 2));
  return info.Env().Undefined();
}

/** route(logits, numRows, {numExperts, topK, sigmoid, numGroups, topKGroups, groupTop2Sum, normTopk, scalingFactor, bias?}) */
Napi::Value route_js(const Napi::CallbackInfo& info) {
  const Napi::Object options = object_at(info, 2);
  RouterParams params;
  params.num_experts = size_of(options, "numExperts");
  params.top_k = size_of(options, "topK");
  params.sigmoid = flag_of(options, "sigmoid");
  params.num_groups = size_of(options, "numGroups");
  params.top_k_groups = size_of(options, "topKGroups");
  params.group_top2_sum = flag_of(options, "groupTop2Sum");
  params.norm_topk = flag_of(options, "normTopk");
  params.scaling_factor = static_cast<float>(number_of(options, "scalingFactor"));
  if (options.Has("bias") && !options.Get("bias").IsUndefined()) params.bias = options.Get("bias").As<Napi::Float32Array>().Data();
  const size_t rows = size_at(info, 1);
  auto ids = Napi::Uint16Array::New(info.Env(), rows * params.top_k);
  auto weights = Napi::Float32Array::New(info.Env(), rows * params.top_k);
  route(params, floats_at(info, 0), params.num_experts, rows, ids.Data(), weights.Data());
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("topkIds", ids);
  result.Set("topkWeights", weights);
  return result;
}

}  // namespace

void register_rows(Napi::Env, Napi::Object exports) {
  add(exports, "quantizeRows", quantize_rows_js);
  add(exports, "rmsNorm", rms_norm_js);
  add(exports, "rmsNormQuantize", rms_norm_quantize_js);
  add(exports, "swiglu", swiglu_js);
  add(exports, "swigluQuantize", swiglu_quantize_js);
  add(exports, "toBf16", to_bf16_js);
  add(exports, "fromBf16", from_bf16_js);
  add(exports, "rope", rope_js);
  add(exports, "route", route_js);
}

}  // namespace tandem
