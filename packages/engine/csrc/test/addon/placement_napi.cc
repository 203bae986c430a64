// Owns the test addon's placement functions: the topology below a root and the decisions over it, as plain objects.
#include "test/addon/arguments.h"
#include "threads/placement.h"

namespace tandem {
namespace {

std::vector<int> numbers_of(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<int> numbers;
  for (uint32_t i = 0; i < array.Length(); i++) numbers.push_back(array.Get(i).ToNumber().Int32Value());
  return numbers;
}

Napi::Array array_of(Napi::Env env, const std::vector<int>& numbers) {
  Napi::Array array = Napi::Array::New(env, numbers.size());
  for (uint32_t i = 0; i < numbers.size(); i++) array.Set(i, numbers[i]);
  return array;
}

/** As a process: first its nodes, then what a pool sees in the affinity it was given. */
Napi::Value placement_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = object_at(info, 0);
  const std::string root = options.Get("root").ToString().Utf8Value(), pinning = options.Get("pinThreads").ToString().Utf8Value();
  const Topology topology = read_topology(root, numbers_of(options.Get("affinity")));
  PlacementRequest request;
  const Napi::Value choice = options.Get("numaNode");
  if (choice.IsArray()) {
    request.choice = NodeChoice::listed;
    request.nodes = numbers_of(choice);
  } else if (choice.ToString().Utf8Value() == "off") {
    request.choice = NodeChoice::off;
  }
  request.num_threads = static_cast<int>(number_of(options, "numThreads"));
  request.current_node = static_cast<int>(number_of(options, "currentNode"));
  const std::optional<Placement> placement = place(topology, request);
  if (!placement.has_value()) return env.Null();
  const Pinning mode = pinning == "always" ? Pinning::always : pinning == "never" ? Pinning::never : Pinning::automatic;
  const std::vector<int> pool = pool_cpus(read_topology(root, placement->cpus), placement->num_threads, mode);
  Napi::Object result = Napi::Object::New(env);
  result.Set("numThreads", placement->num_threads);
  result.Set("memoryNodes", array_of(env, placement->nodes));
  result.Set("processCpus", array_of(env, placement->cpus));
  result.Set("poolCpus", array_of(env, pool));
  return result;
}

Napi::Value cgroup_quota_js(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), cgroup_quota(info[0].ToString().Utf8Value()));
}

Napi::Value parse_cpu_list_js(const Napi::CallbackInfo& info) { return array_of(info.Env(), parse_cpu_list(info[0].ToString().Utf8Value())); }

}  // namespace

void register_placement(Napi::Env env, Napi::Object exports) {
  add(exports, "placement", placement_js);
  add(exports, "cgroupQuota", cgroup_quota_js);
  add(exports, "parseCpuList", parse_cpu_list_js);
}

}  // namespace tandem
