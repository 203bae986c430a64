// Owns the embedded store: the reference the Redis one is compared with, and what runs when no Redis is configured.
import type { EpochResult, PlacementChange, PlacementKind, Store, WorkerRecord } from './types.js'

interface Entry {
  readonly record: WorkerRecord
  expiresAtMs: number
  readonly placements: Readonly<Record<PlacementKind, Set<string>>>
}

export class MemoryStore implements Store {
  readonly kind = 'memory'
  readonly isReachable = true
  readonly #entries = new Map<string, Entry>()
  readonly #nowMs: () => number
  #epoch = 0

  /** `nowMs` is monotonic milliseconds; leases run by it. */
  constructor (nowMs: () => number = () => performance.now()) { this.#nowMs = nowMs }

  /** It is never out of reach. */
  onReachable (_listener: () => void): void {}

  async registerWorker (record: WorkerRecord, leaseMs: number): Promise<void> {
    const placements = this.#live(record.workerId)?.placements ?? { block: new Set(), sequence: new Set() }
    this.#entries.set(record.workerId, { record, placements, expiresAtMs: this.#nowMs() + leaseMs })
  }

  async renewWorker (workerId: string, leaseMs: number): Promise<boolean> {
    const entry = this.#live(workerId)
    if (entry) entry.expiresAtMs = this.#nowMs() + leaseMs
    return entry !== undefined
  }

  async removeWorker (workerId: string): Promise<void> { this.#entries.delete(workerId) }

  async listWorkers (): Promise<WorkerRecord[]> { return this.#liveEntries().map(({ record }) => record) }

  async updatePlacement (kind: PlacementKind, workerId: string, { added, removed }: PlacementChange): Promise<boolean> {
    const held = this.#live(workerId)?.placements[kind]
    if (!held) return false
    for (const id of removed) held.delete(id)
    for (const id of added) held.add(id)
    return true
  }

  async locate (kind: PlacementKind, ids: readonly string[]): Promise<string[][]> {
    const entries = this.#liveEntries()
    return ids.map(id => entries.filter(({ placements }) => placements[kind].has(id)).map(({ record }) => record.workerId))
  }

  async getEpoch (): Promise<number> { return this.#epoch }

  async advanceEpoch (expected: number, next: number): Promise<EpochResult> {
    const advanced = this.#epoch === expected && next > expected
    if (advanced) this.#epoch = next
    return { advanced, epoch: this.#epoch }
  }

  async close (): Promise<void> { this.#entries.clear() }

  #live (workerId: string): Entry | undefined {
    const entry = this.#entries.get(workerId)
    if (!entry || entry.expiresAtMs > this.#nowMs()) return entry
    this.#entries.delete(workerId)
    return undefined
  }

  #liveEntries (): Entry[] {
    return [...this.#entries.keys()].sort().map(workerId => this.#live(workerId)).filter(entry => entry !== undefined)
  }
}
