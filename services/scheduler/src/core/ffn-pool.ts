// Owns the ffn workers and the two-phase change of their topology: settle, assign, wait until every member holds
// its shards, tell the attention workers, wait for them, retire older epochs. Anything that changes the members
// on the way starts over with a higher epoch; members keep what older epochs need until they are retired.
import { assert } from '@tandem/core'
import type { FfnAssignment, FfnInstance, FfnTopology } from '@tandem/core'
import type { WorkerStats__Output } from '@tandem/protocol'
import type { AttentionWorker } from './attention-worker.js'
import type { Books } from './books.js'
import { partition } from './ffn-partition.js'
import type { WorkerRegistration } from './types.js'

export interface FfnWorker {
  readonly workerId: string
  readonly registration: WorkerRegistration
  readonly workerNumber: number
  lastSeenMs: number
  stats: WorkerStats__Output | undefined
  isDraining: boolean
  drainedSent: boolean
  /** Last place it was given; undefined for a spare. */
  assignment: FfnAssignment | undefined
  /** Highest epoch it reported ready. */
  readyEpoch: number
  /** When a peer reported that its channel broke; undefined while nothing is suspected. */
  suspectedAtMs: number | undefined
}

type Phase =
  | { readonly name: 'stable' }
  /** Members changed; more may follow at once. */
  | { readonly name: 'settling', readonly untilMs: number }
  | { readonly name: 'assigning', readonly topology: FfnTopology }
  | { readonly name: 'distributing', readonly topology: FfnTopology, readonly untilMs: number }

export class FfnPool {
  readonly workers = new Map<string, FfnWorker>()
  #epoch: number
  #phase: Phase = { name: 'stable' }
  /** Distributed and not yet superseded everywhere, by epoch. */
  readonly #topologies = new Map<number, FfnTopology>()
  #current: FfnTopology | undefined

  constructor (readonly books: Books, initialEpoch: number) { this.#epoch = initialEpoch }

  get epoch (): number { return this.#epoch }
  get phase (): Phase['name'] { return this.#phase.name }
  get current (): FfnTopology | undefined { return this.#current }
  /** When the phase moves on by itself. */
  get nextStepMs (): number { return 'untilMs' in this.#phase ? this.#phase.untilMs : Infinity }
  get numActive (): number {
    let count = 0
    for (const worker of this.workers.values()) if (!worker.isDraining) count++
    return count
  }

  add (registration: WorkerRegistration, workerNumber: number, nowMs: number): void {
    assert(!this.workers.has(registration.workerId), `ffn worker ${registration.workerId} registers twice`)
    this.workers.set(registration.workerId, {
      workerId: registration.workerId,
      registration,
      workerNumber,
      lastSeenMs: nowMs,
      stats: undefined,
      isDraining: false,
      drainedSent: false,
      assignment: undefined,
      readyEpoch: 0,
      suspectedAtMs: undefined
    })
    this.#settle(nowMs + this.books.options.topologySettleMs)
  }

  /** A dead member is replaced at once: nobody gets an answer from its instance. */
  remove (workerId: string, nowMs: number): void {
    const worker = this.workers.get(workerId)
    if (!worker) return
    this.workers.delete(workerId)
    if (worker.assignment && !worker.drainedSent) this.#settle(nowMs)
  }

  drain (worker: FfnWorker, nowMs: number): void {
    worker.isDraining = true
    this.#settle(nowMs)
  }

  /** A new epoch with the same members makes attention workers dial again. */
  rebuild (nowMs: number): void { this.#settle(nowMs) }

  assignmentReady (workerId: string, epoch: number): void {
    const worker = this.workers.get(workerId)
    if (worker) worker.readyEpoch = Math.max(worker.readyEpoch, epoch)
  }

  /** An epoch from another life of this cluster was higher: never fall behind it. */
  raiseEpoch (epoch: number): void { this.#epoch = Math.max(this.#epoch, epoch) }

  /** Indexes of the instances of the worker's own topology whose members are all alive. */
  liveInstances (worker: AttentionWorker): number[] {
    const topology = this.#topologies.get(worker.topologyEpoch)
    if (!topology) return []
    return topology.instances
      .filter(instance => this.#isAlive(instance))
      .map(({ instanceIdx }) => instanceIdx)
  }

  advance (nowMs: number): void {
    if (this.#phase.name === 'settling' && nowMs >= this.#phase.untilMs) this.#assign()
    if (this.#phase.name === 'assigning') this.#distributeWhenReady(this.#phase.topology, nowMs)
    if (this.#phase.name !== 'assigning') this.#sendCurrent()
    if (this.#phase.name === 'distributing') this.#retireWhenTaken(this.#phase.topology, this.#phase.untilMs, nowMs)
    this.#releaseDrained()
  }

  #isAlive ({ members }: FfnInstance): boolean { return members.every(({ workerId }) => this.workers.has(workerId)) }

  #settle (untilMs: number): void {
    // The first of several changes sets the time: a stream of joins must not put a repair off.
    this.#phase = { name: 'settling', untilMs: this.#phase.name === 'settling' ? Math.min(this.#phase.untilMs, untilMs) : untilMs }
  }

  #assign (): void {
    const { ffnInstanceSize, ffnSplit } = this.books.options
    const members = [...this.workers.values()].filter(worker => !worker.isDraining)
    if (members.length === 0) { this.#phase = { name: 'stable' }; return }
    // The first instance is not built smaller than asked: its workers may not have room for more of the model.
    if (!this.#current && members.length < ffnInstanceSize) { this.#phase = { name: 'stable' }; return }
    const epoch = ++this.#epoch
    const places = partition(members.map(({ workerId }) => workerId), epoch, ffnSplit, ffnInstanceSize)
    const topology: FfnTopology = {
      epoch,
      split: ffnSplit,
      instances: places.filter(({ assignment }) => assignment.rank === 0).map(({ assignment: { instanceIdx } }) => ({
        instanceIdx,
        members: places.filter(({ assignment }) => assignment.instanceIdx === instanceIdx).map(({ workerId, assignment }) => ({
          workerId,
          shards: assignment.shards,
          endpoints: this.workers.get(workerId)!.registration.endpoints
        }))
      }))
    }
    for (const worker of members) worker.assignment = undefined
    for (const { workerId, assignment } of places) {
      this.workers.get(workerId)!.assignment = assignment
      this.books.actions.push({ type: 'assign', workerId, assignment })
    }
    this.#phase = { name: 'assigning', topology }
    this.books.note('info', 'ffn topology assigned', { epoch, numInstances: topology.instances.length, numWorkers: places.length })
  }

  #distributeWhenReady (topology: FfnTopology, nowMs: number): void {
    const isReady = topology.instances.every(({ members }) =>
      members.every(({ workerId }) => (this.workers.get(workerId)?.readyEpoch ?? 0) >= topology.epoch))
    if (!isReady) return
    this.#topologies.set(topology.epoch, topology)
    this.#current = topology
    this.#phase = { name: 'distributing', topology, untilMs: nowMs + this.books.options.topologyTimeoutMs }
  }

  /** Attention workers that joined late, or were told an older one, get the newest complete topology. */
  #sendCurrent (): void {
    const topology = this.#current
    if (!topology || !topology.instances.every(instance => this.#isAlive(instance))) return
    for (const worker of this.books.attention.values()) {
      if (worker.isColocated || worker.sentEpoch >= topology.epoch) continue
      worker.sentEpoch = topology.epoch
      this.books.actions.push({ type: 'topology', workerId: worker.workerId, topology })
    }
  }

  #retireWhenTaken (topology: FfnTopology, untilMs: number, nowMs: number): void {
    let numMissing = 0
    for (const worker of this.books.attention.values()) {
      if (!worker.isColocated && worker.topologyEpoch < topology.epoch) numMissing++
    }
    if (numMissing > 0 && nowMs < untilMs) return
    if (numMissing > 0) this.books.note('warn', 'ffn topology not taken in time', { epoch: topology.epoch, numMissing })
    for (const workerId of this.workers.keys()) this.books.actions.push({ type: 'retire', workerId, epoch: topology.epoch })
    for (const epoch of this.#topologies.keys()) if (epoch < topology.epoch) this.#topologies.delete(epoch)
    this.#phase = { name: 'stable' }
    this.books.note('info', 'ffn topology in service', { epoch: topology.epoch })
  }

  /** A draining worker may go when no topology in use names it; the last ones when nothing runs any more. */
  #releaseDrained (): void {
    if (this.#phase.name !== 'stable') return
    const isLast = this.numActive === 0
    if (isLast && this.books.numRunning > 0) return
    for (const worker of this.workers.values()) {
      if (!worker.isDraining || worker.drainedSent) continue
      worker.drainedSent = true
      this.books.actions.push({ type: 'drained', workerId: worker.workerId })
    }
  }
}
