// Owns the wiring of one scheduler: core, streams, metrics, store and the gRPC listener. Reads no environment.
import { readFileSync } from 'node:fs'
import { assignmentToMessage, createGrpcServer, SchedulerClientConstructor, topologyToMessage } from '@tandem/protocol'
import type { Logger } from 'pino'
import { viewCluster } from './cluster-view.js'
import { SchedulerCore } from './core/index.js'
import type { CoreAction } from './core/index.js'
import { CoreLoop } from './core-loop.js'
import type { Clock } from './core-loop.js'
import { schedulerError } from './errors.js'
import { planToMessage } from './grpc/convert.js'
import { GatewayStreams } from './grpc/gateway-streams.js'
import { LauncherStream } from './grpc/launcher-stream.js'
import { schedulerHandlers } from './grpc/service.js'
import { WorkerStreams } from './grpc/worker-streams.js'
import { SchedulerMetrics } from './metrics.js'
import type { SchedulerOptions } from './options.js'

/** How often time alone may change something: timeouts, retries, settling. */
const TICK_MS = 50

export interface SchedulerDependencies {
  readonly logger: Logger
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

/** Throws `options_conflict`, `bind_failed`, `cluster_token_required`. */
export async function startScheduler (options: SchedulerOptions, dependencies: SchedulerDependencies): Promise<RunningScheduler> {
  checkOptions(options)
  const { logger, clock = { nowMs: () => performance.now() } } = dependencies
  const grpc = createGrpcServer(options)
  const core = new SchedulerCore(options)
  const metrics = new SchedulerMetrics(core)
  const onFatal = dependencies.onFatal ?? ((error: unknown) => { setImmediate(() => { throw error }) })
  const loop: CoreLoop = new CoreLoop({
    core,
    clock,
    dispatch: action => { dispatch(action) },
    onFatal: error => { logger.fatal({ err: error }, 'scheduler invariant broken'); onFatal(error) }
  })
  const gateways = new GatewayStreams(loop, options.maxBufferedEvents, logger.child({ component: 'gateways' }))
  const workers = new WorkerStreams(loop, options.heartbeatIntervalMs, metrics, logger.child({ component: 'workers' }))
  const launcher = new LauncherStream(loop, logger.child({ component: 'launcher' }))
  const dispatch = makeDispatch({ gateways, workers, launcher, logger })
  const version = readVersion()
  grpc.server.addService(SchedulerClientConstructor.service, schedulerHandlers({
    loop,
    gateways,
    workers,
    launcher,
    viewCluster: () => viewCluster({ core, nowMs: clock.nowMs(), store: 'memory', version }),
    metricsText: () => metrics.text()
  }))
  const port = await grpc.listen()
  const timer = setInterval(() => { loop.post({ type: 'tick' }) }, TICK_MS)
  const address = `${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`
  logger.info({ address, version }, 'scheduler listening')
  return {
    address,
    port,
    close: async () => {
      clearInterval(timer)
      loop.stop()
      gateways.closeAll()
      workers.closeAll()
      launcher.close()
      await grpc.close()
      logger.info('scheduler closed')
    }
  }
}

interface Outlets {
  readonly gateways: GatewayStreams
  readonly workers: WorkerStreams
  readonly launcher: LauncherStream
  readonly logger: Logger
}

function makeDispatch ({ gateways, workers, launcher, logger }: Outlets): (action: CoreAction) => void {
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
