// Owns what goes into the scheduler's core (events) and what comes out (actions). Token-carrying messages
// (StepResult, RequestEvent) are the protocol's own types, so that no token is copied into another shape.
import type { FfnAssignment, FfnEndpoint, FfnTopology, SamplingParams, TandemError, WorkerRole } from '@tandem/core'
import type {
  PromptLogprobsMessage, RequestEventMessage, StepResult__Output, WorkerStats__Output
} from '@tandem/protocol'

export interface GenerateRequest {
  readonly requestId: string
  readonly promptTokenIds: readonly number[]
  readonly maxTokens: number
  /** The gateway sets `seed` for every request: the core never draws random numbers. */
  readonly sampling: SamplingParams
  /** What a re-attaching gateway already holds. */
  readonly outputTokenIds: readonly number[]
}

export interface WorkerRegistration {
  readonly workerId: string
  readonly role: WorkerRole
  readonly modelName: string
  readonly modelFingerprint: string
  readonly backend: string
  readonly backendReason: string
  /** 'int8', 'bf16', or empty: not rounded. */
  readonly computeDtype: string
  readonly pid: number
  readonly host: string
  readonly weightBytes: number
  readonly numKvBlocks: number
  readonly blockSize: number
  readonly kvCacheBytes: number
  readonly kvDtype: string
  readonly maxModelLen: number
  readonly colocated: boolean
  readonly endpoints: readonly FfnEndpoint[]
}

export type CoreEvent =
  | { readonly type: 'gatewayAttached', readonly gatewayId: number }
  | { readonly type: 'gatewayDetached', readonly gatewayId: number }
  | { readonly type: 'generate', readonly gatewayId: number, readonly request: GenerateRequest }
  | { readonly type: 'abort', readonly gatewayId: number, readonly requestId: string }
  | { readonly type: 'workerRegistered', readonly registration: WorkerRegistration }
  | { readonly type: 'workerLost', readonly workerId: string, readonly reason: string }
  | { readonly type: 'heartbeat', readonly workerId: string, readonly stats?: WorkerStats__Output }
  | { readonly type: 'assignmentReady', readonly workerId: string, readonly epoch: number }
  | { readonly type: 'topologyReady', readonly workerId: string, readonly epoch: number }
  | { readonly type: 'peerDown', readonly workerId: string, readonly peerId: string, readonly reason: string }
  | { readonly type: 'stepResult', readonly workerId: string, readonly result: StepResult__Output }
  | { readonly type: 'drain', readonly workerId: string, readonly requestedBy: 'worker' | 'operator' }
  | { readonly type: 'launcherAttached', readonly attention: number, readonly ffn: number, readonly maxWorkersPerRole?: number }
  | { readonly type: 'launcherDetached' }
  | { readonly type: 'setScale', readonly attention?: number, readonly ffn?: number, readonly force?: boolean }
  | { readonly type: 'tick' }

export interface NewSequence {
  readonly seqId: number
  readonly tokenIds: number[]
  readonly numPromptTokens: number
  readonly maxTokens: number
  readonly sampling: SamplingParams
}

export interface ScheduledSequence {
  readonly seqId: number
  readonly numComputedTokens: number
  readonly numScheduledTokens: number
  ubatchIdx: number
  readonly newBlockIds: number[]
}

export interface StepPlan {
  readonly stepId: number
  readonly removedSeqIds: number[]
  readonly newSequences: NewSequence[]
  readonly scheduled: ScheduledSequence[]
  readonly ffnInstanceOfUbatch: number[]
}

export interface ServingState {
  readonly ready: boolean
  readonly reason: string
  readonly modelName: string
  readonly modelFingerprint: string
  /** Prompt and output tokens that fit on the roomiest attention worker, its KV pool included. */
  readonly maxModelLen: number
}

/** A gateway fills and reads these; the core only writes them. */
export type RequestEvent = RequestEventMessage & { requestId: string, promptLogprobs?: PromptLogprobsMessage[] }

export type CoreAction =
  | { readonly type: 'accepted', readonly workerId: string, readonly workerNumber: number }
  | { readonly type: 'assign', readonly workerId: string, readonly assignment: FfnAssignment }
  | { readonly type: 'topology', readonly workerId: string, readonly topology: FfnTopology }
  | { readonly type: 'retire', readonly workerId: string, readonly epoch: number }
  | { readonly type: 'drained', readonly workerId: string }
  | { readonly type: 'step', readonly workerId: string, readonly plan: StepPlan }
  /** The stream of this worker ends with `error`; the core already took it for lost. */
  | { readonly type: 'dropWorker', readonly workerId: string, readonly workerNumber: number, readonly error: TandemError }
  | { readonly type: 'events', readonly gatewayId: number, readonly events: RequestEvent[] }
  | { readonly type: 'servingState', readonly state: ServingState }
  | { readonly type: 'scale', readonly attention: number, readonly ffn: number }
  | { readonly type: 'note', readonly level: 'info' | 'warn', readonly message: string, readonly fields: Readonly<Record<string, unknown>> }
