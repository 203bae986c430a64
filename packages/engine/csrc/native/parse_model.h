// Owns the translation of ModelConfig and weight references (packages/model) into their native mirrors.
#pragma once

#include <napi.h>

#include "connector/frame.h"
#include "engine/attention_layers.h"
#include "model/model_config.h"
#include "threads/thread_pool.h"

namespace tandem {

ModelConfig parse_model_config(const Napi::Object& config);
AttentionSideTensors parse_attention_tensors(const Napi::Object& weights);
FfnSideTensors parse_ffn_tensors(const Napi::Object& weights);
// {kvBlocks, blockSize, kvDtype}
KvOptions parse_kv_options(const Napi::Object& options);
// {workerNumber, workerId, tokenDigest, modelFingerprint}
Hello parse_hello(const Napi::Object& hello);

// Option "pinThreads": "auto", "never" or "always".
Pinning pinning_of(const Napi::Object& options);

}  // namespace tandem
