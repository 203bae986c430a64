// Owns what each process of `tandem up` is told: a pure function from settings to TANDEM_* variables. Secrets go through the
// environment, never through arguments that `ps` shows.
import { variableName } from '@tandem/core'
import type { ServiceName } from '../services.js'
import type { ProcessSpec } from './managed-process.js'

type Environment = Readonly<Record<string, string | undefined>>

export interface ClusterSettings {
  readonly host: string
  readonly port: number
  readonly schedulerPort: number
  readonly model: string
  readonly backend: string
  readonly connector: string
  readonly redis: string | undefined
  readonly apiKey: string | undefined
  /** How long Ctrl-C waits for open requests. */
  readonly gatewayShutdownMs: number
  /** Service options given as flags, by key; every service reads those it knows. */
  readonly passedOn: Readonly<Record<string, unknown>>
}

export type WorkerService = 'attention-worker' | 'ffn-worker'

export interface ClusterPlan {
  readonly scheduler: ProcessSpec
  readonly gateway: ProcessSpec
  worker (service: WorkerService, number: number): ProcessSpec
}

/** Everything but the gateway listens here: `tandem up` is one machine. */
export const internalHost = '127.0.0.1'

/**
 * Both pools share this machine's cores, so ubatches cannot overlap their work: one whole batch at a time unpacks each weight
 * once. A deployment with cores (or hosts) of their own for each pool wants the scheduler's default of 3.
 */
const SHARED_CORES_NUM_UBATCHES = 1

export function planCluster (settings: ClusterSettings, env: Environment, entryOf: (service: ServiceName) => string): ClusterPlan {
  const schedulerAddress = `${internalHost}:${settings.schedulerPort}`
  const shared = { ...settings.passedOn, model: settings.model, backend: settings.backend, connector: settings.connector }
  const spec = (service: ServiceName, name: string, values: Record<string, unknown>): ProcessSpec => ({
    name, entry: entryOf(service), env: serviceEnvironment(env, { ...shared, apiKey: undefined, redis: undefined, ...values })
  })
  return {
    scheduler: spec('scheduler', 'scheduler', {
      host: internalHost, port: settings.schedulerPort, redis: settings.redis, numUbatches: settings.passedOn['numUbatches'] ?? env[variableName('numUbatches')] ?? SHARED_CORES_NUM_UBATCHES
    }),
    gateway: spec('gateway', 'gateway', { host: settings.host, port: settings.port, schedulerAddress, apiKey: settings.apiKey, shutdownTimeoutMs: settings.gatewayShutdownMs }),
    worker: (service, number) => spec(service, `${service}-${number}`, {
      host: internalHost, port: 0, schedulerAddress, workerId: undefined, advertiseHost: undefined
    })
  }
}

/** `undefined` removes an inherited variable. */
function serviceEnvironment (env: Environment, values: Readonly<Record<string, unknown>>): Environment {
  const result: Record<string, string | undefined> = { ...env }
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) delete result[variableName(key)]
    else result[variableName(key)] = String(value)
  }
  return result
}
