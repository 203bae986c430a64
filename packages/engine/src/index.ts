export type {
  AttentionEngine, AttentionEngineOptions, AttentionEngineStats, BackendKind, EngineInfo, FfnEngine, FfnEngineOptions, FfnEngineStats,
  KvCacheInfo, KvDtype, NewSequence, PromptLogprobs, SampledToken, ScheduledSequence, StepPlan, StepResult, StepTimings
} from './types.js'
export type { AttentionBackend, AttnOutput, FfnBackend, Ubatch, UbatchSequence } from './backend.js'
