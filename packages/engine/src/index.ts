export type {
  AttentionEngine, AttentionEngineOptions, AttentionEngineStats, BackendKind, ComputeDtype, BackendRefusal, EngineInfo, FfnEngine, FfnEngineOptions,
  FfnEngineStats, KvCacheInfo, KvDtype, NewSequence, NumaNodeChoice, PlacementRequest, ProcessPlacement, PromptLogprobs, SampledToken,
  ScheduledSequence, StepPlan, StepResult, StepTimings, ThreadPinning
} from './types.js'
export type { AttentionBackend, AttnOutput, FfnBackend, FfnLeaves, Ubatch, UbatchSequence } from './backend.js'
export { withBackendFallback } from './backend-fallback.js'
export type { FallbackSteps } from './backend-fallback.js'
export { engineErrors } from './errors.js'
export { chooseComputeDtype, computeDtypeOf, createAttentionEngine, createColocatedEngine, createFfnEngine, placeProcess, resolveBackend } from './factory.js'
export type { ColocatedOptions, ResolvedBackend } from './factory.js'
export { numaNodeChoiceOf } from './numa-node.js'
export type { BackendProbe, EngineContext, EngineProvider } from './provider.js'
export { Sampler } from './sampler/sampler.js'
export type { Sample } from './sampler/sampler.js'
export { SamplerState } from './sampler/sampler-state.js'
export { tokenLogprobs } from './sampler/logprobs.js'
export { createReferenceAttentionBackend } from './reference/attention-backend.js'
export type { ReferenceAttentionOptions } from './reference/attention-backend.js'
export { createReferenceFfnBackend } from './reference/ffn-backend.js'
export { ffnUnitSize } from './reference/ffn-leaf-loader.js'
export { combinePartials } from './reference/combine-partials.js'
