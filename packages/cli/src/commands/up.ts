// Owns `tandem up`: checks what can be checked before anything starts, then hands over to a ClusterRun.
import { randomBytes } from 'node:crypto'
import { defineOptions, isTandemError, makeError, parseOptions, variableName } from '@tandem/core'
import type { OptionsOf } from '@tandem/core'
import type { WorkerCounts } from '../cluster/launcher-link.js'
import { cliErrors } from '../errors.js'
import { ClusterRun } from '../launcher/cluster-run.js'
import { internalHost, planCluster } from '../launcher/plan.js'
import { findFreePort, requireFreePort } from '../launcher/ports.js'
import { serviceEntry } from '../services.js'
import type { CommandContext, ExitCode } from './command.js'
import { resolveModelPath } from './model-path.js'
import { upOptions } from './up-options.js'

type UpOptions = OptionsOf<typeof upOptions>

export interface UpFlags {
  /** Flags of `tandem up`, by key. */
  readonly own: Readonly<Record<string, unknown>>
  /** Flags of the services, by key. */
  readonly passedOn: Readonly<Record<string, unknown>>
}

/** Where `status`, `scale` and `drain` look first. */
export const preferredSchedulerPort = 8001
const maxTries = 3

export async function runUp (flags: UpFlags, context: CommandContext): Promise<ExitCode> {
  const options = parseOptions(upOptions, { flags: flags.own, env: context.env })
  const counts = workerCounts(options, flags.own)
  const model = await resolveModelPath(options.model, options.modelsDir)
  await requireFreePort(options.host, options.port)
  const gatewayShutdownMs = shutdownMs(flags.passedOn, context)
  const clusterToken = tokenOf(flags, context)
  const passedOn = { ...flags.passedOn, clusterToken }
  const serve = async (schedulerPort: number): Promise<ExitCode> => {
    const plan = planCluster({ ...options, schedulerPort, model, gatewayShutdownMs, passedOn }, context.env, serviceEntry)
    const run = new ClusterRun({
      host: options.host,
      port: options.port,
      schedulerAddress: `${internalHost}:${schedulerPort}`,
      clusterToken,
      counts,
      apiKey: options.apiKey,
      spelledApiKey: spelledApiKey(options, flags.own),
      gatewayShutdownMs,
      readyTimeoutMs: options.readyTimeout * 1000,
      verbose: options.verbose
    }, context)
    return await run.serve(plan)
  }
  for (let numTries = 1; ; numTries++) {
    try {
      return await serve(await findFreePort(internalHost, numTries === 1 ? preferredSchedulerPort : 0))
    } catch (error) {
      if (numTries === maxTries || !lostItsPort(error)) throw error
    }
  }
}

/** Another process took the scheduler's port between our look at it and the scheduler's. */
function lostItsPort (error: unknown): boolean {
  if (!isTandemError(error) || error.code !== 'service_ended') return false
  return error.facts['service'] === 'scheduler' && String(error.facts['reason']).includes('EADDRINUSE')
}

/**
 * Of this run alone unless one is given: what else runs on this machine cannot join, nor command, this cluster. Where two clusters
 * follow each other on a port, a worker of the first would.
 */
function tokenOf (flags: UpFlags, context: CommandContext): string {
  const given = flags.passedOn['clusterToken'] ?? context.env[variableName('clusterToken')] ?? ''
  return given === '' ? randomBytes(24).toString('base64url') : String(given)
}

/** The gateway's own default suits a server behind a load balancer; a person at Ctrl-C waits less. */
function shutdownMs (passedOn: Readonly<Record<string, unknown>>, context: CommandContext): number {
  const table = defineOptions({ shutdownTimeoutMs: { type: 'integer', description: 'as the gateway has it', default: 4_000, min: 0 } })
  return parseOptions(table, { flags: passedOn, env: context.env }).shutdownTimeoutMs
}

/** As a shell would find it: the variable when the key came from there, else the key the user typed. */
function spelledApiKey (options: UpOptions, given: Readonly<Record<string, unknown>>): string | undefined {
  if (options.apiKey === undefined) return undefined
  return given['apiKey'] === undefined ? '$TANDEM_API_KEY' : options.apiKey
}

/** With `loopback` the attention worker computes the FFN side itself. */
function workerCounts (options: UpOptions, given: Readonly<Record<string, unknown>>): WorkerCounts {
  const colocated = options.connector === 'loopback'
  if (colocated && given['ffn'] !== undefined && options.ffn > 0) {
    throw makeError(cliErrors, 'usage', { reason: '--connector loopback runs without ffn workers: leave out --ffn' })
  }
  if (!colocated && options.ffn === 0) throw makeError(cliErrors, 'usage', { reason: '--ffn 0 needs --connector loopback' })
  return { attention: options.attention, ffn: colocated ? 0 : options.ffn }
}
