// Owns the JavaScript objects that stand for native engines and for their layers. Loading, connecting and disposing engines
// run on background threads and answer with promises; see packages/engine/src/native/addon-boundary.ts for the surface.
#pragma once

#include <napi.h>

namespace tandem {

// createAttentionEngine(options, onPeerDown, onProgress | null): Promise<NativeAttentionEngine>
Napi::Value create_attention_engine(const Napi::CallbackInfo& info);
// createFfnEngine(options): NativeFfnEngine
Napi::Value create_ffn_engine(const Napi::CallbackInfo& info);

// createAttentionLayers(options, onProgress | null): Promise<NativeAttentionLayers>
Napi::Value create_attention_layers(const Napi::CallbackInfo& info);
// createFfnLayers(options): NativeFfnLayers
Napi::Value create_ffn_layers(const Napi::CallbackInfo& info);

// placeProcess("auto" | "off" | nodes, numThreads): {numThreads, numCpus, numaNodes} | null
Napi::Value place_process_call(const Napi::CallbackInfo& info);

// serveHops(connector, address): {address, close}
Napi::Value serve_hops(const Napi::CallbackInfo& info);
// measureHops(connector, address, payloadBytes, count): Promise<Float64Array of microseconds>
Napi::Value measure_hops(const Napi::CallbackInfo& info);

void define_attention_engine(Napi::Env env);
void define_ffn_engine(Napi::Env env);
void define_attention_layers(Napi::Env env);
void define_ffn_layers(Napi::Env env);

}  // namespace tandem
