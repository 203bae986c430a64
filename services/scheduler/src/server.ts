// Owns the wiring of one scheduler: core, streams, metrics, store and the gRPC listener. Reads no environment.
import { readFileSync } from 'node:fs'
import { assignmentToMessage, createGrpcServer, SchedulerClientConstructor, topologyToMessage } from '@tandem/protocol'
import { createStore } from '@tandem/store'
import type { Store } from '@tandem/store'
import type { Logger } from 'pino'
import { systemClock } from '@tandem/core'
import type { Clock } from '@tandem/core'
import { viewCluster } from './cluster-view.js'
import { SchedulerCore } from './core/index.js'
import type { CoreAction } from './core/index.js'
import { CoreLoop } from './core-loop.js'
import { schedulerError } from './errors.js'
import { planToMessage } from './grpc/convert.js'
import { GatewayStreams } from './grpc/gateway-streams.js'
import { LauncherStream } from './grpc/launcher-stream.js'
import { RefusedConnections } from './grpc/refused-connections.js'
import { schedulerHandlers } from './grpc/service.js'
import { WorkerStreams } from './grpc/worker-streams.js'
import { SchedulerMetrics } from './metrics.js'
import type { SchedulerOptions } from './options.js'
import { PublishSchedule } from './publish-schedule.js'
import { StorePublisher } from './store-publisher.js'

/** How long a start waits for the store: its epoch keeps a second scheduler from repeating ours. */
const STORE_WAIT_MS = 1000
/** 2026-01-01. Epochs start at the seconds since then, so that workers which outlive a scheduler never see one again. */
const EPOCH_ORIGIN_MS = 1_767_225_600_000

export interface SchedulerDependencies {
  readonly logger: Logger
  /** Closed by its owner; without it the scheduler makes and closes its own by `options.redis`. */
  readonly store?: Store
  readonly clock?: Clock
  /** The books are broken: end the process. Default: throw out of the event loop. */
  readonly onFatal?: (error: unknown) => void
}

export interface RunningScheduler {
  /** host:port to dial. */
  readonly address: string
  readonly port: number
  close (): Promise<void>
}

/** Throws `options_conflict`, `store_url_invalid`, `bind_failed`, `cluster_token_required`. */
export async function startScheduler (options: SchedulerOptions, dependencies: SchedulerDependencies): Promise<RunningScheduler> {
  checkOptions(options)
  const { logger, clock = systemClock } = dependencies
  const refused = new RefusedConnections(logger, clock)
  const grpc = createGrpcServer({ ...options, onRefused: refusal => { refused.add(refusal) } })
  const store = dependencies.store ?? createStore(options)
  const core = new SchedulerCore(options, await firstEpoch(store))
  const metrics = new SchedulerMetrics(core, () => refused.count)
  const publisher = makePublisher(options, { store, core, logger })
  const publications = new PublishSchedule(publisher, clock)
  store.onReachable(() => { publications.changed() })
  const { loop, gateways, workers, launcher } = makeStreams(options, dependencies, { core, clock, metrics, publications })
  const version = readVersion()
  grpc.server.addService(SchedulerClientConstructor.service, schedulerHandlers({
    loop,
    gateways,
    workers,
    launcher,
    viewCluster: () => viewCluster({ core, nowMs: clock.nowMs(), store: publisher.description, version }),
    metricsText: () => metrics.text()
  }))
  const closeStore = async (): Promise<void> => { if (!dependencies.store) await store.close() }
  const port = await grpc.listen().catch(async (error: unknown) => {
    await closeStore()
    throw error
  })
  publications.changed()
  const address = `${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`
  logger.info({ address, version }, 'scheduler listening')
  return {
    address,
    port,
    close: async () => {
      loop.stop()
      publications.close()
      gateways.closeAll()
      workers.closeAll()
      launcher.close()
      await grpc.close()
      await closeStore()
      logger.info('scheduler closed')
    }
  }
}

interface Outlets {
  readonly gateways: GatewayStreams
  readonly workers: WorkerStreams
  readonly launcher: LauncherStream
}

interface StreamInputs {
  readonly core: SchedulerCore
  readonly clock: Clock
  readonly metrics: SchedulerMetrics
  readonly publications: PublishSchedule
}

function makeStreams (
  options: SchedulerOptions, { logger, onFatal = throwLater }: SchedulerDependencies, { core, clock, metrics, publications }: StreamInputs
): Outlets & { readonly loop: CoreLoop } {
  const loop: CoreLoop = new CoreLoop({
    core,
    clock,
    dispatch: action => {
      dispatch(action)
      // What changes the books makes an action; a heartbeat makes none.
      publications.changed()
    },
    onFatal: error => { logger.fatal({ err: error }, 'scheduler invariant broken'); onFatal(error) }
  })
  const gateways = new GatewayStreams(loop, options.maxBufferedEvents, logger.child({ component: 'gateways' }))
  const workers = new WorkerStreams(loop, options.heartbeatIntervalMs, metrics, logger.child({ component: 'workers' }))
  const launcher = new LauncherStream(loop, logger.child({ component: 'launcher' }))
  const dispatch = makeDispatch({ gateways, workers, launcher }, logger)
  return { loop, gateways, workers, launcher }
}

function makePublisher (
  { heartbeatIntervalMs, heartbeatTimeoutMs }: SchedulerOptions, parts: { store: Store, core: SchedulerCore, logger: Logger }
): StorePublisher {
  return new StorePublisher({
    ...parts,
    leaseMs: heartbeatTimeoutMs,
    renewEveryMs: heartbeatIntervalMs,
    logger: parts.logger.child({ component: 'store' })
  })
}

async function firstEpoch (store: Store): Promise<number> {
  if (!store.isReachable) {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>(resolve => {
      store.onReachable(resolve)
      timer = setTimeout(resolve, STORE_WAIT_MS)
    })
    clearTimeout(timer)
  }
  const stored = await store.getEpoch().catch(() => 0)
  return Math.max(stored, Math.floor((Date.now() - EPOCH_ORIGIN_MS) / 1000))
}

function throwLater (error: unknown): void { setImmediate(() => { throw error }) }

function makeDispatch ({ gateways, workers, launcher }: Outlets, logger: Logger): (action: CoreAction) => void {
  return action => {
    switch (action.type) {
      case 'step': workers.send(action.workerId, { step: planToMessage(action.plan) }); break
      case 'events': gateways.sendEvents(action.gatewayId, action.events); break
      case 'accepted': workers.accept(action.workerId, action.workerNumber); break
      case 'assign': workers.send(action.workerId, { assign: assignmentToMessage(action.assignment) }); break
      case 'topology': workers.send(action.workerId, { topology: topologyToMessage(action.topology) }); break
      case 'retire': workers.send(action.workerId, { retire: { epoch: action.epoch } }); break
      case 'drained': workers.send(action.workerId, { drained: {} }); break
      case 'dropWorker': workers.drop(action.workerId, action.workerNumber, action.error); break
      case 'servingState': gateways.broadcast(action.state); break
      case 'scale': launcher.send(action.attention, action.ffn); break
      case 'note': logger[action.level](action.fields, action.message); break
      default: action satisfies never
    }
  }
}

function checkOptions ({ heartbeatIntervalMs, heartbeatTimeoutMs }: SchedulerOptions): void {
  if (heartbeatTimeoutMs < 2 * heartbeatIntervalMs) {
    throw schedulerError('options_conflict', {
      reason: `heartbeatTimeoutMs (${heartbeatTimeoutMs}) must be at least twice heartbeatIntervalMs (${heartbeatIntervalMs})`
    })
  }
}

function readVersion (): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}
