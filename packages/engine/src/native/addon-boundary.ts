// Owns the boundary to the native engine (csrc/addon.cc): same names and order on both sides, plain data only.
// Validation, defaults and typed errors live above it. Failures are Errors with `code` and `facts` (NativeFailure).
import type { FfnSplit, FfnTopology } from '@tandem/core'
import type { AttentionWeights, FfnWeights, ModelConfig } from '@tandem/model'
import type { AttentionEngineStats, FfnEngineStats, StepPlan, StepResult } from '../types.js'

/** In the order of csrc/kernels/dtypes.h. */
export const nativeKvDtypes = ['f32', 'f16', 'bf16', 'fp8'] as const

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

export interface NativeAttentionOptions {
  readonly config: ModelConfig
  readonly weights: AttentionWeights
  readonly kvBlocks: number
  readonly blockSize: number
  /** Index in `nativeKvDtypes`. */
  readonly kvDtype: number
  readonly maxModelLen: number
  /** `frameDtypes` of @tandem/connector. */
  readonly activationDtype: number
  readonly ffnTimeoutMs: number
  readonly numThreads: number
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

export interface NativeFfnOptions {
  readonly config: ModelConfig
  readonly weights: FfnWeights
  readonly numThreads: number
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
  dispose (): Promise<void>
}

export interface NativeAddon {
  createAttentionEngine (
    options: NativeAttentionOptions,
    onPeerDown: (workerId: string, reason: string) => void,
    onProgress: ((doneBytes: number) => void) | null
  ): Promise<NativeAttentionEngine>
  createFfnEngine (options: NativeFfnOptions): NativeFfnEngine
  /** Name of the status (`frameStatuses`) a receiver would give these bytes: `ok` for a well-formed frame. */
  decodeFrame (bytes: Uint8Array): string
  /** Identity of the place where a shm endpoint's path means the same socket. */
  hostId (): string
  /** The instruction set the kernels dispatch to. */
  isaName (): string
  availableCores (): number
  /** Bench: answers frames with as many bytes. `address` is a path for shm, ignored for tcp. */
  serveHops (connector: 'shm' | 'tcp', address: string): { readonly address: string, close (): void }
  /** Bench: microseconds of each of `count` round trips. */
  measureHops (connector: 'shm' | 'tcp', address: string, payloadBytes: number, count: number): Promise<Float64Array>
}
