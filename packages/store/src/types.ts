// Owns what a store is: the part of the cluster's state that outlives a scheduler. The scheduler is the only
// writer; it works from memory and publishes here, so no request ever waits for a store.
import type { WorkerRole } from '@tandem/core'

export interface WorkerRecord {
  readonly workerId: string
  readonly role: WorkerRole
  readonly modelName: string
  readonly modelFingerprint: string
  readonly host: string
  readonly pid: number
  readonly backend: string
}

/** What can be placed on workers: KV blocks by their hash, sequences by their request id. */
export type PlacementKind = 'block' | 'sequence'

export interface PlacementChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

export interface EpochResult {
  /** False when the stored epoch was not `expected`, or `next` is not above it. */
  readonly advanced: boolean
  /** Epoch stored after the call. */
  readonly epoch: number
}

/** Every method but `close` rejects with `store_unreachable` at once while the store cannot be reached. */
export interface Store {
  readonly kind: 'memory' | 'redis'
  /** False while commands would fail. */
  readonly isReachable: boolean
  /** Called each time the store can be reached again after it could not; it may have forgotten everything. */
  onReachable (listener: () => void): void

  /** Adds or replaces a worker for `leaseMs`; its placements start empty when it is new. */
  registerWorker (record: WorkerRecord, leaseMs: number): Promise<void>
  /** Extends the leases of a worker and its placements; false when it is unknown: register and place again. */
  renewWorker (workerId: string, leaseMs: number): Promise<boolean>
  /** Forgets a worker and its placements. */
  removeWorker (workerId: string): Promise<void>
  /** Workers whose lease runs, by worker id. */
  listWorkers (): Promise<WorkerRecord[]>

  /** Changes what a worker holds; false, and nothing changed, when its lease ended. */
  updatePlacement (kind: PlacementKind, workerId: string, change: PlacementChange): Promise<boolean>
  /** For each id the workers that hold it, by worker id. */
  locate (kind: PlacementKind, ids: readonly string[]): Promise<string[][]>

  /** Topology epoch; 0 before the first. It never goes down. */
  getEpoch (): Promise<number>
  /** Compare and set. */
  advanceEpoch (expected: number, next: number): Promise<EpochResult>

  close (): Promise<void>
}
