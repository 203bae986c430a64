// Owns the FFN worker: engine, link to the scheduler, and what each command does. Reads no environment.
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { withResolvers } from '@tandem/core'
import type { FfnAssignment } from '@tandem/core'
import { chooseComputeDtype, computeDtypeOf, createFfnEngine, numaNodeChoiceOf, placeProcess } from '@tandem/engine'
import type { FfnEngine } from '@tandem/engine'
import { openModel } from '@tandem/model'
import type { Model } from '@tandem/model'
import { assignmentFromMessage } from '@tandem/protocol'
import type { RegisterWorkerMessage, WorkerCommand__Output, WorkerStatsMessage } from '@tandem/protocol'
import { logProgress, newWorkerId, processStats, requireModel, SchedulerLink } from '@tandem/worker'
import type { RunningWorker, Session } from '@tandem/worker'
import type { Logger } from 'pino'
import { advertisedHost } from './advertised-host.js'
import type { FfnWorkerOptions } from './options.js'

export interface FfnWorkerDependencies {
  readonly logger: Logger
}

/** Listens, joins the cluster and loads what it is assigned. Throws the errors of models, engines and errors.ts. */
export async function startFfnWorker (options: FfnWorkerOptions, { logger }: FfnWorkerDependencies): Promise<RunningWorker> {
  const workerId = options.workerId === '' ? newWorkerId('ffn') : options.workerId
  const model = await openModel(requireModel(options.model), options.servedModelName === '' ? {} : { name: options.servedModelName })
  const { promise: done, resolve: finish, reject: fail } = withResolvers()
  chooseComputeDtype(options.backend, options.computeDtype)
  const placement = placeProcess(options.backend, { numaNode: numaNodeChoiceOf(options.numaNode), numThreads: options.numThreads })
  const engine = await createFfnEngine({
    model,
    backend: options.backend,
    connector: options.connector,
    host: options.host,
    port: options.port,
    advertiseHost: advertisedHost(options.host, options.advertiseHost),
    clusterToken: options.clusterToken,
    numThreads: options.numThreads,
    pinThreads: options.pinThreads,
    maxQueuedFrames: options.maxQueuedFrames,
    onProgress: logProgress(logger, 'loading weights'),
    onFatal: fail
  })
  const { info: { backend, reason }, endpoints } = engine
  logger.info({ model: model.name, backend, reason, placement, endpoints }, 'ffn worker listening')
  const link = new SchedulerLink({
    schedulerAddress: options.schedulerAddress,
    clusterToken: options.clusterToken,
    logger,
    handlers: {
      register: async () => registration(workerId, engine, model),
      stats: () => statsOf(engine),
      onCommand: (command, session) => { obey(command, session, engine, logger, fail) }
    },
    onDrained: () => { close().catch(fail) },
    onFatal: fail
  })
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      link.close()
      await engine.dispose()
      logger.info('ffn worker closed')
      finish()
    })()
    return closing
  }
  link.start()
  return { workerId, done, close, drain: () => link.drain(options.drainTimeoutMs) }
}

function obey (command: WorkerCommand__Output, session: Session, engine: FfnEngine, logger: Logger, fail: (error: unknown) => void): void {
  if (command.assign) assign(assignmentFromMessage(command.assign), session, engine, logger).catch(fail)
  else if (command.retire) engine.retire(command.retire.epoch)
  else logger.warn({ command: command.command }, 'command ignored by an ffn worker')
}

/** A shard that cannot be loaded ends the worker: the scheduler gives its place to another one. */
async function assign (assignment: FfnAssignment, session: Session, engine: FfnEngine, logger: Logger): Promise<void> {
  const { epoch, instanceIdx, rank, size, split, shards } = assignment
  await engine.assign(assignment)
  const { weightBytes } = engine.info
  logger.info({ epoch, instanceIdx, rank, size, split, shards, weightBytes }, 'shard loaded')
  session.send({ assignmentReady: { epoch, weightBytes } })
}

function registration (workerId: string, { info, endpoints }: FfnEngine, model: Model): RegisterWorkerMessage {
  return {
    workerId,
    role: 'WORKER_ROLE_FFN',
    modelName: model.name,
    modelFingerprint: model.fingerprint,
    backend: info.backend,
    backendReason: info.reason,
    computeDtype: computeDtypeOf(info.backend) ?? '',
    weightBytes: info.weightBytes,
    pid: process.pid,
    host: hostname(),
    version,
    endpoints: endpoints.map(endpoint => ({ ...endpoint }))
  }
}

function statsOf (engine: FfnEngine): WorkerStatsMessage {
  return { ...processStats(), ...engine.stats(), weightBytes: engine.info.weightBytes }
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
