// Owns the way from an FFN engine's object to a NativeFfnLayers over the leaves it holds.
#pragma once

#include <napi.h>

#include <memory>

#include "engine/ffn_engine.h"

namespace tandem {

Napi::Value ffn_layers_beside(Napi::Env env, const std::shared_ptr<FfnEngine>& engine);

}  // namespace tandem
