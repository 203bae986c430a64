// Owns placing the process from JavaScript: nodes in, what was decided out. Before engines are made.
#include <string>
#include <vector>

#include "native/engine_objects.h"
#include "native/js_values.h"
#include "threads/memory_nodes.h"
#include "threads/process_placement.h"

namespace tandem {

Napi::Value place_process_call(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  PlacementRequest request;
  if (info[0].IsArray()) {
    const auto nodes = info[0].As<Napi::Array>();
    request.choice = NodeChoice::listed;
    for (uint32_t i = 0; i < nodes.Length(); i++) request.nodes.push_back(nodes.Get(i).ToNumber().Int32Value());
  } else if (info[0].ToString().Utf8Value() == "off") {
    request.choice = NodeChoice::off;
  }
  request.num_threads = info[1].ToNumber().Int32Value();
  request.current_node = current_node();
  const std::optional<Placement> placement = place_process(request);
  if (!placement.has_value()) return env.Null();
  Napi::Array nodes = Napi::Array::New(env, placement->nodes.size());
  for (uint32_t i = 0; i < nodes.Length(); i++) nodes.Set(i, placement->nodes[i]);
  Napi::Object result = Napi::Object::New(env);
  result.Set("numThreads", placement->num_threads);
  result.Set("numCpus", static_cast<double>(placement->cpus.size()));
  result.Set("numaNodes", nodes);
  return result;
}

}  // namespace tandem
