// Owns the vocabulary of pools: who the FFN workers of an instance are and where they listen.
// The scheduler decides; workers obey; nothing here does either.
import type { FfnSplit, ShardRange } from './virtual-shards.js'

export type WorkerRole = 'attention' | 'ffn'
export type ConnectorKind = 'loopback' | 'shm' | 'tcp' | 'grpc'
export type ActivationDtype = 'f32' | 'bf16' | 'fp8_e4m3'

/** Where an FFN worker accepts a2f frames. A worker may offer several; the attention worker picks. */
export interface FfnEndpoint {
  readonly connector: ConnectorKind
  /** tcp, grpc: `host:port`; shm: path of the control socket; loopback: a name in this process. */
  readonly address: string
  /** Identity of the host (boot id and IPC namespace): shm is offered only to peers that share it. */
  readonly hostId?: string
}

/** What the scheduler gives an FFN worker: its place in an instance, under an epoch. */
export interface FfnAssignment {
  readonly epoch: number
  readonly instanceIdx: number
  /** tp_rank or ep_rank, by `split`. */
  readonly rank: number
  readonly size: number
  readonly split: FfnSplit
  readonly shards: ShardRange
}

export interface FfnMember {
  readonly workerId: string
  readonly shards: ShardRange
  readonly endpoints: readonly FfnEndpoint[]
}

/** An instance covers all leaves exactly once; several instances are replicas. */
export interface FfnInstance {
  readonly instanceIdx: number
  readonly members: readonly FfnMember[]
}

export interface FfnTopology {
  readonly epoch: number
  readonly split: FfnSplit
  readonly instances: readonly FfnInstance[]
}
