// Owns the translation of ModelConfig and weight references (packages/model) into their native mirrors.
#pragma once

#include <napi.h>

#include "connector/frame.h"
#include "engine/attention_layers.h"
#include "model/model_config.h"

namespace tandem {

ModelConfig parse_model_config(const Napi::Object& config);
AttentionSideTensors parse_attention_tensors(const Napi::Object& weights);
FfnSideTensors parse_ffn_tensors(const Napi::Object& weights);
// {kvBlocks, blockSize, kvDtype}
KvOptions parse_kv_options(const Napi::Object& options);
// {workerNumber, workerId, tokenDigest, modelFingerprint}
Hello parse_hello(const Napi::Object& hello);

}  // namespace tandem
