// Owns the boundary to the native engine (csrc/addon.cc): same names and order on both sides, plain data only.
// Validation, defaults and typed errors live above it. Failures are Errors with `code` and `facts` (NativeFailure).
import type { FfnSplit, FfnTopology } from '@tandem/core'
import type { AttentionWeights, FfnWeights, ModelConfig } from '@tandem/model'
import type { FfnLeaves, UbatchSequence } from '../backend.js'
import type { AttentionEngineStats, ComputeDtype, FfnEngineStats, NumaNodeChoice, ProcessPlacement, StepPlan, StepResult, ThreadPinning } from '../types.js'

/** What csrc/native/js_values.h makes of an EngineError. */
export interface NativeFailure extends Error {
  readonly code: string
  readonly facts: Readonly<Record<string, string | number>>
}

export interface NativeHello {
  readonly workerNumber: number
  readonly workerId: string
  /** 32 bytes each. */
  readonly tokenDigest: Uint8Array
  readonly modelFingerprint: Uint8Array
}

/** What the attention side of a model needs, in an engine or by layers. */
export interface NativeAttentionLayersOptions {
  readonly config: ModelConfig
  readonly weights: AttentionWeights
  readonly kvBlocks: number
  readonly blockSize: number
  /** Index in `kvDtypes`. */
  readonly kvDtype: number
  readonly numThreads: number
}

export interface NativeAttentionOptions extends NativeAttentionLayersOptions {
  readonly pinThreads: ThreadPinning
  readonly maxModelLen: number
  /** `frameDtypes` of @tandem/connector. */
  readonly activationDtype: number
  readonly ffnTimeoutMs: number
  readonly hello: NativeHello
}

/** Nothing may be called after `dispose`. */
export interface NativeAttentionEngine {
  info (): { readonly weightBytes: number, readonly kvCacheBytes: number }
  setTopology (topology: FfnTopology): Promise<void>
  /** null when a step runs and another one waits. */
  step (plan: StepPlan): Promise<StepResult> | null
  stats (): AttentionEngineStats
  dispose (): Promise<void>
}

export interface NativeFfnLayersOptions {
  readonly config: ModelConfig
  readonly weights: FfnWeights
  readonly numThreads: number
}

export interface NativeFfnOptions extends NativeFfnLayersOptions {
  readonly pinThreads: ThreadPinning
  readonly maxQueuedFrames: number
  readonly hello: NativeHello
  /** null: no such listener. */
  readonly shmPath: string | null
  readonly tcpHost: string | null
  readonly tcpPort: number
  readonly loopbackName: string | null
}

/** Nothing may be called after `dispose`. */
export interface NativeFfnEngine {
  addresses (): { readonly shm: string | null, readonly tcp: string | null }
  assign (epoch: number, split: FfnSplit, start: number, end: number, onProgress: ((doneBytes: number) => void) | null): Promise<void>
  retire (epoch: number): void
  weightBytes (): number
  stats (): FfnEngineStats
  /** Layers over the leaves this engine holds: `load` shares those it has been assigned. */
  layers (): NativeFfnLayers
  dispose (): Promise<void>
}

/** A planned ubatch; freed by the garbage collector. */
export type NativeUbatch = object

/** The attention side of AttentionBackend. Calls compute on the calling thread and the compute threads, and write their answers. */
export interface NativeAttentionLayers {
  info (): { readonly weightBytes: number, readonly kvCacheBytes: number }
  /** Plans every layer of a ubatch; writes its embedding, [numTokens, hiddenSize]. */
  begin (tokenIds: Int32Array, sequences: readonly UbatchSequence[], residual: Float32Array): NativeUbatch
  /** Updates `residual`; writes the FFN's input and, on MoE layers, its experts. */
  attend (layerIdx: number, ubatch: NativeUbatch, residual: Float32Array, hidden: Float32Array, topkIds: Uint16Array, topkWeights: Float32Array): void
  /** Writes [rows.length, vocabSize]. */
  logits (residual: Float32Array, rows: Int32Array, logits: Float32Array): void
  dispose (): void
}

/** The FFN side of FfnBackend, by ranges of leaves as they were loaded. */
export interface NativeFfnLayers {
  load (split: FfnSplit, start: number, end: number, onProgress: ((doneBytes: number) => void) | null): Promise<void>
  holds (split: FfnSplit, start: number, end: number): boolean
  /** Drops every other range. */
  keepOnly (kept: readonly FfnLeaves[]): void
  weightBytes (): number
  /** Writes one [numTokens, hiddenSize] per root of the range, which is held. */
  run (
    split: FfnSplit, start: number, end: number, layerIdx: number,
    hidden: Float32Array, topkIds: Uint16Array, topkWeights: Float32Array, partials: readonly Float32Array[]
  ): void
  dispose (): void
}

export interface NativeAddon {
  createAttentionEngine (
    options: NativeAttentionOptions,
    onPeerDown: (workerId: string, reason: string) => void,
    onProgress: ((doneBytes: number) => void) | null
  ): Promise<NativeAttentionEngine>
  createFfnEngine (options: NativeFfnOptions): NativeFfnEngine
  createAttentionLayers (options: NativeAttentionLayersOptions, onProgress: ((doneBytes: number) => void) | null): Promise<NativeAttentionLayers>
  createFfnLayers (options: NativeFfnLayersOptions): NativeFfnLayers
  /** Name of the status (`frameStatuses`) a receiver would give these bytes: `ok` for a well-formed frame. */
  decodeFrame (bytes: Uint8Array): string
  /** Identity of the place where a shm endpoint's path means the same socket. */
  hostId (): string
  /** The instruction set the kernels dispatch to. */
  isaName (): string
  /** For all engines of the process, before they are made; false: this CPU has no such products. */
  setComputeDtype (computeDtype: ComputeDtype): boolean
  computeDtype (): ComputeDtype
  availableCores (): number
  /** Before engines are made. `numThreads` 0 is the default; null: a listed node has no CPU this process may use. */
  placeProcess (numaNode: NumaNodeChoice, numThreads: number): ProcessPlacement | null
  /** Bench: answers frames with as many bytes. `address` is a path for shm, ignored for tcp. */
  serveHops (connector: 'shm' | 'tcp', address: string): { readonly address: string, close (): void }
  /** Bench: microseconds of each of `count` round trips. */
  measureHops (connector: 'shm' | 'tcp', address: string, payloadBytes: number, count: number): Promise<Float64Array>
}
