// Owns the translation of plans, topologies and results between JavaScript and native plain data.
#pragma once

#include <napi.h>

#include "engine/ffn_router.h"
#include "engine/step_plan.h"

namespace tandem {

StepPlan parse_step_plan(const Napi::Object& plan);
FfnTopology parse_topology(const Napi::Object& topology);
Napi::Object to_js(Napi::Env env, const StepResult& result);

}  // namespace tandem
