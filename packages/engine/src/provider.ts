// Owns what the factory must know of a backend. A provider brings engines for both sides; the pipelined ones serve any
// layer-level backend, the native ones replace pipeline and backend together.
import type { Connector } from '@tandem/connector'
import type {
  AttentionEngine, AttentionEngineOptions, BackendKind, ComputeDtype, FfnEngine, FfnEngineOptions, KvDtype, PlacementRequest, ProcessPlacement
} from './types.js'

export interface BackendProbe {
  readonly isAvailable: boolean
  /** "addon built, AVX-512 VNNI", "no compiler when installed" */
  readonly reason: string
}

export interface EngineContext {
  /** Goes into `EngineInfo.reason`. */
  readonly reason: string
  /** Set when both sides live in one process: connectors they share, to be used instead of `options.connector`. */
  readonly sharedConnectors?: readonly Connector[]
}

export interface EngineProvider {
  readonly backend: BackendKind
  /** What its KV cache can be kept in; the first one is 'auto'. */
  readonly kvDtypes: readonly [KvDtype, ...KvDtype[]]
  probe (): BackendProbe
  /** Where threads are worth placing; null: a listed node has no CPU this process may use. */
  placeProcess? (request: PlacementRequest): ProcessPlacement | null
  /** Before engines are made, for all of the process. Not there: activations are never rounded. False: this machine has no such thing. */
  setComputeDtype? (computeDtype: ComputeDtype): boolean
  computeDtype? (): ComputeDtype
  createAttentionEngine (options: AttentionEngineOptions, context: EngineContext): Promise<AttentionEngine>
  createFfnEngine (options: FfnEngineOptions, context: EngineContext): Promise<FfnEngine>
}
