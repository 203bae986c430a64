// Drives the pure core with fake engines: time, deliveries and failures are the caller's. Collects what each
// request got and checks the books after every flush.
import { greedySampling, parseOptions } from '@tandem/core'
import type { FfnTopology } from '@tandem/core'
import type { RequestEventMessage } from '@tandem/protocol'
import { SchedulerCore } from '../../src/core/index.js'
import type { CoreAction, CoreEvent, StepPlan, WorkerRegistration } from '../../src/core/index.js'
import { schedulerOptions } from '../../src/options.js'
import type { CoreOptions } from '../../src/options.js'
import { FakeEngine } from './fake-engine.js'
import type { FailureStyle } from './fake-engine.js'

export function coreOptions (overrides: Partial<CoreOptions> = {}): CoreOptions {
  return { ...parseOptions(schedulerOptions, {}), topologySettleMs: 0, ...overrides }
}

export function registration (workerId: string, overrides: Partial<WorkerRegistration> = {}): WorkerRegistration {
  return {
    workerId,
    role: 'attention',
    modelName: 'fake',
    modelFingerprint: 'f00d',
    backend: 'reference',
    backendReason: 'test',
    computeDtype: '',
    pid: 1,
    host: 'localhost',
    weightBytes: 1,
    numKvBlocks: 64,
    blockSize: 4,
    kvCacheBytes: 1,
    kvDtype: 'f32',
    maxModelLen: 128,
    colocated: true,
    endpoints: [],
    ...overrides
  }
}

export function ffnRegistration (workerId: string): WorkerRegistration {
  return registration(workerId, {
    role: 'ffn', colocated: false, endpoints: [{ connector: 'tcp', address: `${workerId}:1` }]
  })
}

export interface Received {
  readonly tokenIds: number[]
  readonly promptPositions: number[]
  numCachedTokens: number
  finishReason: string | undefined
  errorCode: string | undefined
  errorParam: string | undefined
}

export interface RequestSpec {
  readonly requestId: string
  readonly promptTokenIds: readonly number[]
  readonly maxTokens?: number
  readonly seed?: number
  readonly stopTokenIds?: readonly number[]
  readonly promptLogprobs?: number
  readonly outputTokenIds?: readonly number[]
}

export const GATEWAY = 1

export class CoreDriver {
  readonly core: SchedulerCore
  nowMs = 0
  readonly received = new Map<string, Received>()
  /** Plans a worker was sent and did not answer yet, oldest first. */
  readonly plans = new Map<string, StepPlan[]>()
  readonly engines = new Map<string, FakeEngine>()
  readonly actions: CoreAction[] = []
  /** What workers will say to assignments and topologies, when the caller posts it. */
  readonly answers: CoreEvent[] = []
  /** Ffn workers that were told they may leave. */
  readonly drained: string[] = []
  readonly #topologies = new Map<string, FfnTopology>()

  constructor (options: Partial<CoreOptions> = {}, initialEpoch = 0) {
    this.core = new SchedulerCore(coreOptions(options), initialEpoch)
    this.post({ type: 'gatewayAttached', gatewayId: GATEWAY })
  }

  /** Handles one event and flushes; returns the actions of this flush. */
  post (...events: CoreEvent[]): CoreAction[] {
    for (const event of events) this.core.handle(event, this.nowMs)
    const actions = this.core.flush(this.nowMs)
    for (const action of actions) this.#apply(action)
    this.actions.push(...actions)
    this.checkBooks()
    return actions
  }

  attention (workerId: string, overrides: Partial<WorkerRegistration> = {}, failureStyle: FailureStyle = 'atomic'): CoreAction[] {
    const worker = registration(workerId, overrides)
    this.engines.set(workerId, new FakeEngine(worker.numKvBlocks, worker.blockSize, failureStyle))
    this.plans.set(workerId, [])
    return this.post({ type: 'workerRegistered', registration: worker })
  }

  ffn (workerId: string): CoreAction[] { return this.post({ type: 'workerRegistered', registration: ffnRegistration(workerId) }) }

  lose (workerId: string): CoreAction[] {
    this.plans.delete(workerId)
    this.engines.delete(workerId)
    return this.post({ type: 'workerLost', workerId, reason: 'test' })
  }

  generate (spec: RequestSpec): CoreAction[] {
    return this.post({
      type: 'generate',
      gatewayId: GATEWAY,
      request: {
        requestId: spec.requestId,
        promptTokenIds: spec.promptTokenIds,
        maxTokens: spec.maxTokens ?? 4,
        sampling: {
          ...greedySampling,
          seed: spec.seed ?? 0,
          stopTokenIds: spec.stopTokenIds ?? [],
          ...(spec.promptLogprobs === undefined ? {} : { promptLogprobs: spec.promptLogprobs })
        },
        outputTokenIds: spec.outputTokenIds ?? []
      }
    })
  }

  abort (requestId: string): CoreAction[] { return this.post({ type: 'abort', gatewayId: GATEWAY, requestId }) }

  /** Runs the oldest plan of a worker and delivers its result. */
  step (workerId: string, fails = false): CoreAction[] {
    const plan = this.plans.get(workerId)?.shift()
    if (!plan) throw new Error(`${workerId} has no plan`)
    const result = this.engines.get(workerId)!.step(plan, fails)
    return this.post({ type: 'stepResult', workerId, result })
  }

  /** Steps all workers in turn until nothing is in flight. */
  runDry (): void {
    for (let turn = 0; turn < 10_000; turn++) {
      const busy = [...this.plans].filter(([, plans]) => plans.length > 0)
      if (busy.length === 0) return
      for (const [workerId] of busy) this.step(workerId)
    }
    throw new Error('the workers never run dry')
  }

  /** Also checks that nothing waited for this tick but what the core said is due. */
  tick (afterMs: number): CoreAction[] {
    const dueMs = this.core.nextTickMs()
    this.nowMs += afterMs
    const actions = this.post({ type: 'tick' })
    if (this.nowMs < dueMs && actions.length > 0) {
      throw new Error(`a tick at ${this.nowMs} brought ${actions.map(({ type }) => type).join()}, the next was due at ${dueMs}`)
    }
    return actions
  }

  result (requestId: string): Received {
    let received = this.received.get(requestId)
    if (!received) {
      received = { tokenIds: [], promptPositions: [], numCachedTokens: 0, finishReason: undefined, errorCode: undefined, errorParam: undefined }
      this.received.set(requestId, received)
    }
    return received
  }

  checkBooks (): void {
    const { books } = this.core
    let numRunning = 0
    for (const worker of books.attention.values()) {
      worker.blocks.assertInvariants(worker.running.map(sequence => sequence.blockTable))
      numRunning += worker.running.length
      if (worker.inFlight.length > 2) throw new Error(`${worker.workerId} has ${worker.inFlight.length} plans in flight`)
      for (const sequence of worker.running) {
        if (sequence.status !== 'running' || sequence.worker !== worker) throw new Error(`${sequence.requestId} is misplaced`)
        if (sequence.numComputedTokens > sequence.numTokensAhead) throw new Error(`${sequence.requestId} is ahead of itself`)
      }
    }
    if (numRunning !== books.numRunning) throw new Error(`${numRunning} run, the books say ${books.numRunning}`)
    let numLive = 0
    for (const sequences of books.gateways.values()) numLive += sequences.size
    if (numLive !== numRunning + books.waiting.size) throw new Error('a live request is neither waiting nor running')
  }

  #apply (action: CoreAction): void {
    if (action.type === 'step') {
      this.#checkInstances(action.workerId, action.plan)
      this.plans.get(action.workerId)?.push(action.plan)
    }
    if (action.type === 'drained' && this.core.ffn.workers.has(action.workerId)) this.drained.push(action.workerId)
    if (action.type === 'assign') {
      this.answers.push({ type: 'assignmentReady', workerId: action.workerId, epoch: action.assignment.epoch })
    }
    if (action.type === 'topology') {
      this.#topologies.set(`${action.workerId} ${action.topology.epoch}`, action.topology)
      this.answers.push({ type: 'topologyReady', workerId: action.workerId, epoch: action.topology.epoch })
    }
    if (action.type === 'events') for (const event of action.events) this.#receive(event)
  }

  /** Ubatches go only to instances of the topology the worker confirmed, whose members all live. */
  #checkInstances (workerId: string, { ffnInstanceOfUbatch, scheduled }: StepPlan): void {
    const { books, ffn } = this.core
    const worker = books.attention.get(workerId)
    if (!worker || worker.isColocated) return
    const numUbatches = new Set(scheduled.map(({ ubatchIdx }) => ubatchIdx)).size
    if (ffnInstanceOfUbatch.length !== numUbatches) throw new Error(`${numUbatches} ubatches, ${ffnInstanceOfUbatch.length} instances`)
    const topology = this.#topologies.get(`${workerId} ${worker.topologyEpoch}`)
    for (const instanceIdx of ffnInstanceOfUbatch) {
      const instance = topology?.instances[instanceIdx]
      if (!instance?.members.every(member => ffn.workers.has(member.workerId))) throw new Error(`${workerId} was sent to a broken ffn instance`)
    }
  }

  #receive (event: RequestEventMessage): void {
    const received = this.result(event.requestId!)
    if (received.finishReason !== undefined) throw new Error(`${event.requestId} got an event after its end`)
    for (const { tokenId } of event.tokens ?? []) received.tokenIds.push(tokenId!)
    for (const { position } of event.promptLogprobs ?? []) received.promptPositions.push(position!)
    if (event.numCachedTokens) received.numCachedTokens = event.numCachedTokens
    if (event.finishReason && event.finishReason !== 'FINISH_REASON_UNSPECIFIED') received.finishReason = String(event.finishReason)
    received.errorCode = event.error?.code
    received.errorParam = event.error?.param
  }
}
