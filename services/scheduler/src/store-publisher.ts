// Owns what the scheduler writes to the store: it compares the books with what it published last and sends the
// difference. Nothing waits for it; after an outage it publishes everything again.
import { isTandemError } from '@tandem/core'
import type { PlacementKind, Store, WorkerRecord } from '@tandem/store'
import type { Logger } from 'pino'
import type { AttentionWorker } from './core/attention-worker.js'
import type { SchedulerCore, WorkerRegistration } from './core/index.js'

export interface StorePublisherOptions {
  readonly store: Store
  readonly core: SchedulerCore
  readonly leaseMs: number
  readonly renewEveryMs: number
  readonly logger: Logger
}

interface Published {
  /** Of the registration that was published: the same id may come back as another one. */
  readonly workerNumber: number
  renewAtMs: number
  sequences: ReadonlySet<string>
}

interface LiveWorker {
  readonly workerNumber: number
  readonly registration: WorkerRegistration
}

const NOTHING: readonly string[] = []

export class StorePublisher {
  readonly #options: StorePublisherOptions
  readonly #published = new Map<string, Published>()
  #publishedEpoch = 0
  #isInSync = true
  #running: Promise<void> | undefined

  constructor (options: StorePublisherOptions) {
    this.#options = options
    // Also when nobody tried to write meanwhile: it may have forgotten everything.
    options.store.onReachable(() => { this.#lostTouch('it went away and came back') })
  }

  /** False after an outage, until everything is published again. */
  get isInSync (): boolean { return this.#isInSync }

  get renewAtMs (): number {
    let nextMs = Infinity
    for (const { renewAtMs } of this.#published.values()) nextMs = Math.min(nextMs, renewAtMs)
    return nextMs
  }

  /** memory, redis, redis (unreachable) */
  get description (): string {
    const { store } = this.#options
    return store.isReachable ? store.kind : `${store.kind} (unreachable)`
  }

  /** Publishes what changed; returns the run in progress when there is one. Never rejects for the store's sake. */
  publish (nowMs: number): Promise<void> {
    this.#running ??= this.#run(nowMs).finally(() => { this.#running = undefined })
    return this.#running
  }

  async #run (nowMs: number): Promise<void> {
    const { store, logger } = this.#options
    if (!store.isReachable) { this.#lostTouch('it cannot be reached'); return }
    try {
      const isFresh = !this.#isInSync
      if (isFresh) this.#published.clear()
      await this.#publishEpoch()
      await this.#publishWorkers(nowMs)
      this.#isInSync = true
      if (isFresh) logger.info({ store: store.kind }, 'store is in sync again')
    } catch (error) {
      if (!isTandemError(error)) throw error
      this.#lostTouch(error.message)
    }
  }

  #lostTouch (reason: string): void {
    if (this.#isInSync) this.#options.logger.warn({ store: this.#options.store.kind, reason }, 'store lost, serving goes on without it')
    this.#isInSync = false
  }

  async #publishEpoch (): Promise<void> {
    const { store, core } = this.#options
    const { epoch } = core.ffn
    if (this.#isInSync && epoch === this.#publishedEpoch) return
    const result = await store.advanceEpoch(this.#publishedEpoch, epoch)
    this.#publishedEpoch = result.epoch
    if (result.advanced || result.epoch === epoch) return
    if (result.epoch > epoch) core.ffn.raiseEpoch(result.epoch)
    else await store.advanceEpoch(result.epoch, epoch)
  }

  async #publishWorkers (nowMs: number): Promise<void> {
    const { core, store } = this.#options
    const live = new Map<string, LiveWorker>([...core.books.attention, ...core.ffn.workers])
    for (const [workerId, { workerNumber }] of this.#published) {
      if (live.get(workerId)?.workerNumber === workerNumber) continue
      await store.removeWorker(workerId)
      this.#published.delete(workerId)
    }
    for (const [workerId, worker] of live) {
      const isNew = await this.#publishWorker(workerId, worker, nowMs)
      const attention = core.books.attention.get(workerId)
      if (attention) await this.#publishPlacements(attention, isNew)
    }
  }

  /** True when the store knows nothing of what is placed on the worker. */
  async #publishWorker (workerId: string, worker: LiveWorker, nowMs: number): Promise<boolean> {
    const { store, leaseMs, renewEveryMs } = this.#options
    const published = this.#published.get(workerId)
    if (published && nowMs < published.renewAtMs) return false
    if (published && await store.renewWorker(workerId, leaseMs)) {
      published.renewAtMs = nowMs + renewEveryMs
      return false
    }
    // What an earlier life of this id left behind must not be taken for placements of this one.
    await store.removeWorker(workerId)
    await store.registerWorker(recordOf(worker.registration), leaseMs)
    this.#published.set(workerId, { workerNumber: worker.workerNumber, renewAtMs: nowMs + renewEveryMs, sequences: new Set() })
    return true
  }

  async #publishPlacements (worker: AttentionWorker, isNew: boolean): Promise<void> {
    const { workerId, blocks } = worker
    const published = this.#published.get(workerId)
    if (!published) return
    const sequences = new Set(worker.running.map(({ requestId }) => requestId))
    const { stored, evicted } = blocks.takeChanges()
    await this.#place('block', workerId, isNew ? blocks.cachedHashes() : stored, isNew ? NOTHING : evicted)
    const before = published.sequences
    published.sequences = sequences
    await this.#place('sequence', workerId,
      [...sequences].filter(requestId => !before.has(requestId)), [...before].filter(requestId => !sequences.has(requestId)))
  }

  async #place (kind: PlacementKind, workerId: string, added: readonly string[], removed: readonly string[]): Promise<void> {
    if (added.length === 0 && removed.length === 0) return
    const isHeld = await this.#options.store.updatePlacement(kind, workerId, { added, removed })
    // The lease ended under us: the next run registers the worker and places everything again.
    if (!isHeld) this.#published.delete(workerId)
  }
}

function recordOf ({ workerId, role, modelName, modelFingerprint, host, pid, backend }: WorkerRegistration): WorkerRecord {
  return { workerId, role, modelName, modelFingerprint, host, pid, backend }
}
