// Owns the attention worker: engine, link to the scheduler, and what each command does. Reads no environment.
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { withResolvers } from '@tandem/core'
import { computeDtypeOf } from '@tandem/engine'
import type { AttentionEngine } from '@tandem/engine'
import { topologyFromMessage } from '@tandem/protocol'
import type { RegisterWorkerMessage, WorkerCommand__Output, WorkerStatsMessage } from '@tandem/protocol'
import { newWorkerId, processStats, SchedulerLink } from '@tandem/worker'
import type { RunningWorker, Session } from '@tandem/worker'
import type { Logger } from 'pino'
import { buildEngine } from './engine.js'
import type { BuiltEngine } from './engine.js'
import type { AttentionWorkerOptions } from './options.js'
import { StepRunner } from './step-runner.js'
import { TopologyFollower } from './topology-follower.js'

export interface AttentionWorkerDependencies {
  readonly logger: Logger
}

/** Loads the attention side and joins the cluster. Throws the errors of models, engines and errors.ts. */
export async function startAttentionWorker (options: AttentionWorkerOptions, { logger }: AttentionWorkerDependencies): Promise<RunningWorker> {
  const workerId = options.workerId === '' ? newWorkerId('attention') : options.workerId
  let reportPeerDown = (_peerId: string, _reason: string): void => {}
  const onPeerDown = (peerId: string, reason: string): void => {
    logger.warn({ peerId, reason }, 'channel to ffn worker broke')
    reportPeerDown(peerId, reason)
  }
  const built = await buildEngine({ options, workerId, onPeerDown, logger })
  const { engine } = built
  const { promise: done, resolve: finish, reject: fail } = withResolvers()
  const steps = new StepRunner(engine, fail)
  const topologies = new TopologyFollower(engine, logger, fail)
  const link = new SchedulerLink({
    schedulerAddress: options.schedulerAddress,
    clusterToken: options.clusterToken,
    logger,
    handlers: {
      async register () {
        await steps.reset()
        return registration(options, workerId, built)
      },
      stats: () => statsOf(engine),
      onCommand: (command, session) => { obey(command, session, steps, topologies, logger) }
    },
    onDrained: () => { close().catch(fail) },
    onFatal: fail
  })
  reportPeerDown = (peerId, reason) => { link.session?.send({ peerDown: { workerId: peerId, reason } }) }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      link.close()
      topologies.close()
      await engine.dispose()
      logger.info('attention worker closed')
      finish()
    })()
    return closing
  }
  link.start()
  return { workerId, done, close, drain: () => link.drain(options.drainTimeoutMs) }
}

function obey (command: WorkerCommand__Output, session: Session, steps: StepRunner, topologies: TopologyFollower, logger: Logger): void {
  if (command.step) steps.run(command.step, session)
  else if (command.topology) topologies.follow(topologyFromMessage(command.topology), session)
  else logger.warn({ command: command.command }, 'command ignored by an attention worker')
}

function registration (options: AttentionWorkerOptions, workerId: string, { engine, model, maxModelLen }: BuiltEngine): RegisterWorkerMessage {
  const { info, kvCache } = engine
  return {
    workerId,
    role: 'WORKER_ROLE_ATTENTION',
    modelName: model.name,
    modelFingerprint: model.fingerprint,
    backend: info.backend,
    backendReason: info.reason,
    computeDtype: computeDtypeOf(info.backend) ?? '',
    weightBytes: info.weightBytes,
    pid: process.pid,
    host: hostname(),
    version,
    numKvBlocks: kvCache.numBlocks,
    blockSize: kvCache.blockSize,
    kvCacheBytes: kvCache.bytes,
    kvDtype: kvCache.dtype,
    maxModelLen,
    colocated: options.connector === 'loopback'
  }
}

function statsOf (engine: AttentionEngine): WorkerStatsMessage {
  return { ...processStats(), ...engine.stats(), weightBytes: engine.info.weightBytes }
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
