// Owns the boundary between a worker service and its engine. Backends implement it (reference in
// TypeScript, native in C++); services know nothing below it.
//
// Life of a sequence on an attention engine: it arrives in `newSequences` of a plan with every token known so
// far (prompt, and output when resumed), is scheduled by position in this and later plans, and leaves by
// `removedSeqIds`. The engine keeps its token list and appends what it samples, so a decode line
// carries no token: position p uses the token sampled for p. That is what lets the scheduler send
// plan N+1 before plan N has been answered.
import type {
  ActivationDtype, ConnectorKind, FfnAssignment, FfnEndpoint, FfnTopology, FinishReason, SamplingParams, TokenLogprobs
} from '@tandem/core'
import type { Model } from '@tandem/model'

export type BackendKind = 'reference' | 'cpu' | 'cuda'

/** A backend that cannot run the model at hand, and why. */
export interface BackendRefusal {
  readonly backend: BackendKind
  readonly reason: string
}

/** In the order of csrc/kernels/dtypes.h: an index crosses the boundary to the native engine. */
export const kvDtypes = ['f32', 'f16', 'bf16', 'fp8', 'int8'] as const
export type KvDtype = typeof kvDtypes[number]

/** Whether compute threads are bound to cores; `auto` binds them when there is one for every core the process may use. */
export type ThreadPinning = 'auto' | 'always' | 'never'

/** `auto`: one node if the worker fits on it. `off`: nodes are ignored. Else these nodes. */
export type NumaNodeChoice = 'auto' | 'off' | readonly number[]

export interface PlacementRequest {
  readonly numaNode: NumaNodeChoice
  /** 0 is the default number of compute threads. */
  readonly numThreads: number
}

export interface ProcessPlacement {
  readonly numThreads: number
  /** CPUs the process may run on. */
  readonly numCpus: number
  /** Nodes of its weights and KV cache; empty where nodes do not matter. */
  readonly numaNodes: readonly number[]
}

export interface NewSequence {
  readonly seqId: number
  /** Prompt, then output tokens already generated elsewhere. */
  readonly tokenIds: readonly number[]
  readonly numPromptTokens: number
  /** Output tokens after which the sequence ends with "length", counted from numPromptTokens. */
  readonly maxTokens: number
  readonly sampling: SamplingParams
}

export interface ScheduledSequence {
  readonly seqId: number
  /** Positions below this one are in the KV cache. */
  readonly numComputedTokens: number
  /**
   * Positions [numComputedTokens, numComputedTokens + numScheduledTokens) run in this step. The engine samples when they
   * reach the last known token.
   */
  readonly numScheduledTokens: number
  readonly ubatchIdx: number
  /** Appended to the sequence's block table before the step runs. */
  readonly newBlockIds: readonly number[]
}

export interface StepPlan {
  readonly stepId: number
  /** Applied first. */
  readonly removedSeqIds: readonly number[]
  /** Applied second; a seq_id may be re-used after it was removed. */
  readonly newSequences: readonly NewSequence[]
  /** A sequence that already finished by itself (stop, length) is skipped without an error. */
  readonly scheduled: readonly ScheduledSequence[]
  /** FFN instance of each ubatch, by ubatchIdx; missing entries go round robin. */
  readonly ffnInstanceOfUbatch: readonly number[]
}

export interface SampledToken {
  readonly seqId: number
  /** Position of the sampled token in the sequence (prompt included). */
  readonly position: number
  readonly tokenId: number
  readonly logprobs?: TokenLogprobs
  readonly finishReason?: FinishReason
}

export interface PromptLogprobs {
  readonly seqId: number
  /** Position of the token that is scored. */
  readonly position: number
  readonly logprobs: TokenLogprobs
}

/** Microseconds, summed over layers; per ubatch where an array. */
export interface StepTimings {
  readonly stepUs: number
  readonly attentionUs: number
  /** Time in which no ubatch had attention work and the engine waited for FFN output. */
  readonly ffnWaitUs: number
  readonly sampleUs: number
}

export interface StepResult {
  readonly stepId: number
  readonly sampled: readonly SampledToken[]
  readonly promptLogprobs: readonly PromptLogprobs[]
  readonly timings: StepTimings
}

/** What activations are rounded to before they meet quantised weights: 8 bits and a scale per 32, or bf16, then for BF16 weights too. */
export type ComputeDtype = 'int8' | 'bf16'

export interface EngineInfo {
  readonly backend: BackendKind
  /** Why this backend: "addon built, AVX-512 VNNI" or "no compiler when installed". */
  readonly reason: string
  /** Bytes of weights this engine holds (mapped or in memory). */
  readonly weightBytes: number
}

export interface KvCacheInfo {
  readonly numBlocks: number
  /** Tokens per block. */
  readonly blockSize: number
  readonly dtype: KvDtype
  readonly bytes: number
}

export interface AttentionEngineStats {
  readonly numSequences: number
  readonly numSteps: number
  readonly framesSent: number
  readonly framesResent: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

export interface AttentionEngine {
  readonly info: EngineInfo
  readonly kvCache: KvCacheInfo
  /**
   * Connects to every member of every instance; resolves when connected. Frames in flight to members that are gone
   * are sent again under the new epoch: a layer is idempotent.
   */
  setTopology (topology: FfnTopology): Promise<void>
  /**
   * Runs all layers for all ubatches. Steps run in call order; a second call may be made before the first resolves
   * (the engine starts it at once when the first ends), a third throws `step_queue_full`.
   * Rejects with `ffn_unavailable` when no instance answered within `ffnTimeoutMs`; sequences keep the state they had before.
   */
  step (plan: StepPlan): Promise<StepResult>
  stats (): AttentionEngineStats
  /** Finishes the running step, frees weights, KV pool, threads and connections. Use after dispose throws `engine_disposed`. */
  dispose (): Promise<void>
}

export interface FfnEngineStats {
  readonly numFrames: number
  /** Layer executions; numFrames / numBatches is the merge factor. */
  readonly numBatches: number
  readonly numTokens: number
  readonly refused: Readonly<Record<string, number>>
  readonly computeUs: number
  readonly idleUs: number
  readonly queueLength: number
}

export interface FfnEngine {
  readonly info: EngineInfo
  readonly endpoints: readonly FfnEndpoint[]
  /**
   * Loads the leaves of `assignment` (keeping those of earlier epochs until `retire`) and accepts frames of its epoch
   * once resolved; `weightBytes` of `info` follows.
   */
  assign (assignment: FfnAssignment): Promise<void>
  /** Refuses frames of epochs below `epoch` as stale and drops leaves only they used. */
  retire (epoch: number): void
  stats (): FfnEngineStats
  dispose (): Promise<void>
}

export interface AttentionEngineOptions {
  readonly model: Model
  readonly backend: BackendKind | 'auto'
  /** Backends that have refused this model: not chosen again. */
  readonly refused?: readonly BackendRefusal[]
  readonly kvBlocks: number
  readonly blockSize: number
  readonly kvDtype: KvDtype | 'auto'
  readonly maxModelLen: number
  readonly activationDtype: ActivationDtype
  /** 'auto' is shm on one host, then tcp, then grpc, by what both sides have when the first step comes. */
  readonly connector: ConnectorKind | 'auto'
  /** Token shared by the cluster; empty when every listener is on loopback. */
  readonly clusterToken: string
  /** Deadline of one layer's FFN answer, failover included. */
  readonly ffnTimeoutMs: number
  /** Compute threads; 0 is one per available core. */
  readonly numThreads: number
  /** Default `auto`. */
  readonly pinThreads?: ThreadPinning
  /** 32-bit id of this worker, unique in the cluster: frames carry it. */
  readonly workerNumber: number
  /** Told at once when a member's channel breaks, so that the scheduler can react before the heartbeat does. */
  readonly onPeerDown: (workerId: string, reason: string) => void
  /** Told while weights load. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

export interface FfnEngineOptions {
  readonly model: Model
  readonly backend: BackendKind | 'auto'
  readonly connector: ConnectorKind | 'auto'
  /** Address to listen on, and the one peers are told when it differs (containers). Port 0 picks one. */
  readonly host: string
  readonly port: number
  readonly advertiseHost: string
  readonly clusterToken: string
  readonly numThreads: number
  /** Default `auto`. */
  readonly pinThreads?: ThreadPinning
  /** Frames waiting before senders see RESOURCE_EXHAUSTED. */
  readonly maxQueuedFrames: number
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
  /** Told once when an invariant broke: the engine has stopped and answers nothing more. Without it the process crashes. */
  readonly onFatal?: (error: unknown) => void
}
