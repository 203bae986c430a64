// Fake workers, gateways and launchers that speak the real protocol to a real scheduler on a free port.
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js'
import { greedySampling, parseOptions } from '@tandem/core'
import { createSchedulerClient, samplingToMessage } from '@tandem/protocol'
import type {
  GatewayMessageMessage, LauncherCommand__Output, LauncherMessageMessage, RegisterWorkerMessage, SchedulerClient,
  SchedulerMessage__Output, ServingState__Output, WorkerCommand__Output, WorkerMessageMessage
} from '@tandem/protocol'
import { pino } from 'pino'
import { schedulerOptions, startScheduler } from '../../src/index.js'
import type { RunningScheduler, SchedulerDependencies, SchedulerOptions } from '../../src/index.js'
import { FakeEngine } from './fake-engine.js'

/** Resolves each waiter as soon as its condition holds; `changed` re-checks. */
class Watch {
  readonly #waiters = new Set<{ condition: () => boolean, resolve: () => void }>()

  until (condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise(resolve => { this.#waiters.add({ condition, resolve }) })
  }

  changed (): void {
    for (const waiter of this.#waiters) {
      if (!waiter.condition()) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }
}

export interface StreamEnd {
  readonly code: number
  readonly details: string
}

function watchEnd (call: ClientDuplexStream<never, unknown>, watch: Watch): { end: StreamEnd | undefined } {
  const state: { end: StreamEnd | undefined } = { end: undefined }
  call.on('error', ({ code, details }: ServiceError) => { state.end = { code, details } })
  call.on('status', ({ code, details }: StreamEnd) => { state.end ??= { code, details }; watch.changed() })
  return state
}

export class FakeWorker {
  readonly commands: WorkerCommand__Output[] = []
  readonly watch = new Watch()
  readonly engine: FakeEngine
  readonly #call: ClientDuplexStream<WorkerMessageMessage, WorkerCommand__Output>
  readonly #end: { end: StreamEnd | undefined }
  /** Steps are kept instead of run while false. */
  isRunning = true
  /** Assignments and topologies are answered by themselves. */
  isPrompt = true

  constructor (client: SchedulerClient, readonly register: RegisterWorkerMessage) {
    this.engine = new FakeEngine(register.numKvBlocks ?? 1, register.blockSize ?? 1)
    this.#call = client.AttachWorker()
    this.#end = watchEnd(this.#call as never, this.watch)
    this.#call.on('data', (command: WorkerCommand__Output) => { this.#receive(command) })
    this.send({ register })
  }

  get end (): StreamEnd | undefined { return this.#end.end }

  send (message: WorkerMessageMessage): void { this.#call.write(message) }

  has (command: WorkerCommand__Output['command']): boolean { return this.commands.some(each => each.command === command) }

  last<K extends NonNullable<WorkerCommand__Output['command']>> (command: K): NonNullable<WorkerCommand__Output[K]> | undefined {
    return this.commands.findLast(each => each.command === command)?.[command] as NonNullable<WorkerCommand__Output[K]> | undefined
  }

  /** Runs the steps kept so far and all later ones. */
  resume (): void {
    this.isRunning = true
    for (const { step } of this.commands) if (step && step.stepId > this.#lastStepId) this.#step(step)
  }

  /** The process is gone. */
  kill (): void { this.#call.cancel() }

  close (): void { this.#call.end() }

  #lastStepId = 0

  #receive (command: WorkerCommand__Output): void {
    this.commands.push(command)
    if (command.step && this.isRunning) this.#step(command.step)
    if (command.assign && this.isPrompt) this.send({ assignmentReady: { epoch: command.assign.epoch } })
    if (command.topology && this.isPrompt) this.send({ topologyReady: { epoch: command.topology.epoch } })
    this.watch.changed()
  }

  #step (plan: NonNullable<WorkerCommand__Output['step']>): void {
    this.#lastStepId = plan.stepId
    this.send({
      stepResult: this.engine.step({
        ...plan,
        newSequences: plan.newSequences.map(sequence => ({ ...sequence, sampling: sequence.sampling! }))
      })
    })
  }
}

export class FakeGateway {
  readonly watch = new Watch()
  readonly states: ServingState__Output[] = []
  readonly tokens = new Map<string, number[]>()
  readonly ends = new Map<string, { finishReason: string, code: string | undefined, param: string | undefined }>()
  numMessages = 0
  readonly #call: ClientDuplexStream<GatewayMessageMessage, SchedulerMessage__Output>
  readonly #end: { end: StreamEnd | undefined }

  constructor (client: SchedulerClient) {
    this.#call = client.Serve()
    this.#end = watchEnd(this.#call as never, this.watch)
    this.#call.on('data', (message: SchedulerMessage__Output) => { this.#receive(message) })
  }

  get end (): StreamEnd | undefined { return this.#end.end }
  get isReady (): boolean { return this.states.at(-1)?.ready === true }

  generate (requestId: string, promptTokenIds: number[], maxTokens: number, seed = 0): void {
    this.#call.write({ generate: { requestId, promptTokenIds, maxTokens, sampling: samplingToMessage({ ...greedySampling, seed }) } })
  }

  abort (requestId: string): void { this.#call.write({ abort: { requestId } }) }

  sendNothing (): void { this.#call.write({}) }

  async finished (requestId: string): Promise<{ tokenIds: number[], finishReason: string, code: string | undefined, param: string | undefined }> {
    await this.watch.until(() => this.ends.has(requestId))
    return { tokenIds: this.tokens.get(requestId) ?? [], ...this.ends.get(requestId)! }
  }

  leave (): void { this.#call.cancel() }

  #receive ({ events, state }: SchedulerMessage__Output): void {
    if (state) this.states.push(state)
    if (events.length > 0) this.numMessages++
    for (const { requestId, tokens, finishReason, error } of events) {
      if (this.ends.has(requestId)) throw new Error(`${requestId} got an event after its end`)
      const list = this.tokens.get(requestId) ?? []
      this.tokens.set(requestId, list)
      list.push(...tokens.map(({ tokenId }) => tokenId))
      if (finishReason !== 'FINISH_REASON_UNSPECIFIED') {
        this.ends.set(requestId, { finishReason, code: error?.code, param: error?.param })
      }
    }
    this.watch.changed()
  }
}

export class FakeLauncher {
  readonly watch = new Watch()
  readonly commands: LauncherCommand__Output[] = []
  readonly #call: ClientDuplexStream<LauncherMessageMessage, LauncherCommand__Output>
  readonly #end: { end: StreamEnd | undefined }

  constructor (client: SchedulerClient, attention: number, ffn: number) {
    this.#call = client.AttachLauncher()
    this.#end = watchEnd(this.#call as never, this.watch)
    this.#call.on('data', (command: LauncherCommand__Output) => { this.commands.push(command); this.watch.changed() })
    this.#call.write({ hello: { attention, ffn } })
  }

  get end (): StreamEnd | undefined { return this.#end.end }
  close (): void { this.#call.end() }
}

export interface FakeCluster {
  readonly scheduler: RunningScheduler
  readonly client: SchedulerClient
  readonly gateway: FakeGateway
  attention (workerId: string, overrides?: RegisterWorkerMessage): FakeWorker
  ffn (workerId: string, overrides?: RegisterWorkerMessage): FakeWorker
  launcher (attention: number, ffn: number): FakeLauncher
  close (): Promise<void>
}

const common: RegisterWorkerMessage = { modelName: 'fake', modelFingerprint: 'f00d', backend: 'reference', pid: 1, host: 'here' }

export async function startFakeCluster (
  overrides: Partial<SchedulerOptions> = {}, dependencies: Partial<SchedulerDependencies> = {}
): Promise<FakeCluster> {
  const options = { ...parseOptions(schedulerOptions, {}), port: 0, topologySettleMs: 0, ...overrides }
  const scheduler = await startScheduler(options, { logger: pino({ level: 'silent' }), ...dependencies })
  const client = createSchedulerClient(scheduler.address, options.clusterToken)
  return {
    scheduler,
    client,
    gateway: new FakeGateway(client),
    attention: (workerId, more = {}) => new FakeWorker(client, {
      ...common, workerId, role: 'WORKER_ROLE_ATTENTION', numKvBlocks: 64, blockSize: 4, maxModelLen: 128, ...more
    }),
    ffn: (workerId, more = {}) => new FakeWorker(client, {
      ...common, workerId, role: 'WORKER_ROLE_FFN', endpoints: [{ connector: 'tcp', address: `${workerId}:1` }], ...more
    }),
    launcher: (attention, ffn) => new FakeLauncher(client, attention, ffn),
    close: async () => { client.close(); await scheduler.close() }
  }
}
