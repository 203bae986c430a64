// Owns the order of decisions: events change the books (`handle`), then one `flush` places sequences, forms
// plans, moves the topology on and hands out every action. No clock, socket or store in here: time comes in
// with each call, and actions are all that goes out. `handle` throws a TandemError for a command it refuses.
import { assert } from '@tandem/core'
import type { TandemError } from '@tandem/core'
import { rootHash } from '@tandem/kv-cache'
import { schedulerError } from '../errors.js'
import type { CoreOptions } from '../options.js'
import { admit, clusterMaxModelLen } from './admission.js'
import { AttentionWorker } from './attention-worker.js'
import { formPlan } from './batching.js'
import { Books } from './books.js'
import { FfnPool } from './ffn-pool.js'
import {
  checkHeartbeats, drainWorker, findWorker, moveLateSequences, nextMembershipMs, peerDown, releaseDrainedAttention
} from './membership.js'
import { placeWaiting } from './placement.js'
import { checkRegistration } from './registration.js'
import type { ClusterModel } from './registration.js'
import { changeTargets, surplus } from './scale.js'
import type { ScaleTargets } from './scale.js'
import { failStalled, nextStallMs } from './stalls.js'
import { applyStepResult, loseAllPlans } from './step-results.js'
import type { CoreAction, CoreEvent, ServingState, WorkerRegistration } from './types.js'

export class SchedulerCore {
  readonly books: Books
  readonly ffn: FfnPool
  model: ClusterModel | undefined
  /** Set while a launcher is attached. */
  targets: ScaleTargets | undefined
  /** The launcher's word; undefined: only the scheduler's own limit. */
  #maxWorkersPerRole: number | undefined
  #servingState: ServingState
  #stepIds = 0
  #workerNumbers = 0

  constructor (readonly options: CoreOptions, initialEpoch = 0) {
    this.books = new Books(options)
    this.ffn = new FfnPool(this.books, initialEpoch)
    this.#servingState = this.#computeServingState()
  }

  get servingState (): ServingState { return this.#servingState }

  handle (event: CoreEvent, nowMs: number): void {
    switch (event.type) {
      case 'stepResult': this.#stepResult(event, nowMs); break
      case 'generate': admit(this.books, event.gatewayId, event.request); break
      case 'abort': this.#abort(event.gatewayId, event.requestId); break
      case 'gatewayAttached': this.books.gateways.set(event.gatewayId, new Map()); break
      case 'gatewayDetached': this.#detachGateway(event.gatewayId); break
      case 'workerRegistered': this.#register(event.registration, nowMs); break
      case 'workerLost': this.#lose(event.workerId, event.reason, nowMs); break
      case 'heartbeat': this.#heartbeat(event, nowMs); break
      case 'assignmentReady': this.ffn.assignmentReady(event.workerId, event.epoch); break
      case 'topologyReady': this.#topologyReady(event.workerId, event.epoch); break
      case 'peerDown': peerDown(this.books, this.ffn, event, nowMs); break
      case 'drain': drainWorker(this.books, this.ffn, event, nowMs); break
      case 'launcherAttached': this.#attachLauncher(event); break
      case 'launcherDetached': this.targets = undefined; break
      case 'setScale': this.#setScale(event, nowMs); break
      case 'tick': this.#tick(nowMs); break
      default: event satisfies never
    }
  }

  /** Everything that follows from the events so far. */
  flush (nowMs: number): CoreAction[] {
    this.ffn.advance(nowMs)
    placeWaiting(this.books, worker => this.#canServe(worker))
    for (const worker of this.books.attention.values()) this.#sendPlans(worker, nowMs)
    releaseDrainedAttention(this.books)
    this.books.takeEvents()
    this.#publishServingState()
    return this.books.actions.splice(0)
  }

  /** When time alone will change something, as of the last flush: the next tick is due then. Infinity: only events will. */
  nextTickMs (): number {
    const { ready } = this.#servingState
    return Math.min(nextMembershipMs(this.books, this.ffn), this.ffn.nextStepMs, nextStallMs(this.books, !ready))
  }

  #sendPlans (worker: AttentionWorker, nowMs: number): void {
    if (nowMs < worker.retryAtMs) return
    worker.retryAtMs = -Infinity
    const instanceIdxs = worker.isColocated ? [] : this.ffn.liveInstances(worker)
    if (!worker.isColocated && instanceIdxs.length === 0) return
    for (;;) {
      const stepId = this.#stepIds + 1
      const plan = formPlan(this.books, worker, stepId, { instanceIdxs, offset: stepId + worker.workerNumber })
      if (!plan) return
      this.#stepIds = stepId
      this.books.actions.push({ type: 'step', workerId: worker.workerId, plan })
    }
  }

  /** It has an FFN side that will go on: new sequences may be placed. */
  #canServe (worker: AttentionWorker): boolean {
    return worker.hasTopology && (worker.isColocated || this.ffn.numActive > 0)
  }

  #stepResult ({ workerId, result }: Extract<CoreEvent, { type: 'stepResult' }>, nowMs: number): void {
    const worker = this.books.attention.get(workerId)
    if (!worker) return
    worker.lastSeenMs = nowMs
    const reason = applyStepResult(this.books, worker, result, nowMs)
    if (reason === undefined) return
    this.#drop(workerId, schedulerError('worker_confused', { workerId, reason }), nowMs)
  }

  #abort (gatewayId: number, requestId: string): void {
    const sequence = this.books.gateways.get(gatewayId)?.get(requestId)
    // Unknown: it ended on its own while the abort was on its way.
    if (sequence) this.books.finish(sequence, 'abort')
  }

  #detachGateway (gatewayId: number): void {
    const sequences = this.books.gateways.get(gatewayId)
    if (!sequences) return
    for (const sequence of [...sequences.values()]) this.books.finish(sequence, 'abort')
    this.books.gateways.delete(gatewayId)
    this.books.dropEvents(gatewayId)
  }

  #register (registration: WorkerRegistration, nowMs: number): void {
    const { workerId, role } = registration
    const sameRole = role === 'ffn' ? this.ffn.workers.values() : this.books.attention.values()
    checkRegistration(registration, this.model, [...sameRole].map(worker => worker.registration))
    assert(!findWorker(this.books, this.ffn, workerId), `worker ${workerId} registers before its old stream was lost`)
    if (!this.model) {
      this.model = { modelName: registration.modelName, modelFingerprint: registration.modelFingerprint }
      this.books.blockRoot = rootHash(registration.modelFingerprint)
    }
    const workerNumber = ++this.#workerNumbers
    this.books.actions.push({ type: 'accepted', workerId, workerNumber })
    if (role === 'ffn') this.ffn.add(registration, workerNumber, nowMs)
    else this.books.attention.set(workerId, new AttentionWorker(registration, workerNumber, nowMs))
    this.books.note('info', 'worker registered', { workerId, role, backend: registration.backend, host: registration.host, pid: registration.pid })
  }

  #drop (workerId: string, error: TandemError, nowMs: number): void {
    const { workerNumber } = findWorker(this.books, this.ffn, workerId)!
    this.books.actions.push({ type: 'dropWorker', workerId, workerNumber, error })
    this.#lose(workerId, error.message, nowMs)
  }

  #lose (workerId: string, reason: string, nowMs: number): void {
    const worker = this.books.attention.get(workerId)
    if (worker) {
      loseAllPlans(this.books, worker)
      worker.blocks.assertInvariants([])
      this.books.attention.delete(workerId)
    } else if (this.ffn.workers.has(workerId)) {
      this.ffn.remove(workerId, nowMs)
    } else return
    this.books.note('info', 'worker left', { workerId, reason })
    this.#forgetModelWhenEmpty()
  }

  /** With no worker and no request left, the next worker may bring another model. */
  #forgetModelWhenEmpty (): void {
    const isEmpty = this.books.attention.size === 0 && this.ffn.workers.size === 0 && this.books.waiting.size === 0
    if (isEmpty) this.model = undefined
  }

  #heartbeat ({ workerId, stats }: Extract<CoreEvent, { type: 'heartbeat' }>, nowMs: number): void {
    const worker = findWorker(this.books, this.ffn, workerId)
    if (!worker) return
    worker.lastSeenMs = nowMs
    if (stats) worker.stats = stats
  }

  #topologyReady (workerId: string, epoch: number): void {
    const worker = this.books.attention.get(workerId)
    if (worker && epoch <= worker.sentEpoch) worker.topologyEpoch = Math.max(worker.topologyEpoch, epoch)
  }

  #attachLauncher ({ attention, ffn, maxWorkersPerRole }: Extract<CoreEvent, { type: 'launcherAttached' }>): void {
    if (this.targets) throw schedulerError('launcher_attached')
    this.targets = { attention, ffn }
    this.#maxWorkersPerRole = maxWorkersPerRole
  }

  #setScale ({ force, ...change }: Extract<CoreEvent, { type: 'setScale' }>, nowMs: number): void {
    if (!this.targets) throw schedulerError('no_launcher')
    this.targets = changeTargets(this.targets, change, force === true ? undefined : this.#maxWorkersPerRole)
    this.books.actions.push({ type: 'scale', ...this.targets })
    for (const { workerId } of [
      ...surplus(this.books.attention.values(), this.targets.attention),
      ...surplus(this.ffn.workers.values(), this.targets.ffn)
    ]) drainWorker(this.books, this.ffn, { workerId, requestedBy: 'worker' }, nowMs)
  }

  #tick (nowMs: number): void {
    for (const { workerId, error } of checkHeartbeats(this.books, this.ffn, nowMs)) this.#drop(workerId, error, nowMs)
    moveLateSequences(this.books, nowMs)
    const { ready, reason } = this.#computeServingState()
    failStalled(this.books, ready ? undefined : reason, nowMs)
  }

  #publishServingState (): void {
    const state = this.#computeServingState()
    const before = this.#servingState
    if (state.ready === before.ready && state.reason === before.reason && state.maxModelLen === before.maxModelLen &&
      state.modelFingerprint === before.modelFingerprint) return
    this.#servingState = state
    this.books.actions.push({ type: 'servingState', state })
  }

  #computeServingState (): ServingState {
    const maxModelLen = clusterMaxModelLen(this.books)
    const reason = this.#whyNotReady()
    assert(this.model || this.books.attention.size === 0, 'an attention worker registered without a model')
    return {
      ready: reason === '',
      reason,
      modelName: this.model?.modelName ?? '',
      modelFingerprint: this.model?.modelFingerprint ?? '',
      maxModelLen: Number.isFinite(maxModelLen) ? maxModelLen : 0
    }
  }

  #whyNotReady (): string {
    const workers = [...this.books.attention.values()].filter(worker => !worker.isDraining)
    if (workers.length === 0) return 'no attention worker is registered'
    if (workers.some(worker => this.#canServe(worker))) return ''
    if (this.ffn.numActive === 0) return 'no ffn worker is registered'
    if (this.ffn.phase === 'stable' && !this.ffn.current) {
      return `waiting for ${this.options.ffnInstanceSize} ffn workers, ${this.ffn.numActive} registered`
    }
    return 'workers are loading their shards'
  }
}
