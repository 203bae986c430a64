// Owns `tandem up`: checks what can be checked before anything starts, then hands over to a ClusterRun.
import { defineOptions, makeError, parseOptions } from '@tandem/core'
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

export async function runUp (flags: UpFlags, context: CommandContext): Promise<ExitCode> {
  const options = parseOptions(upOptions, { flags: flags.own, env: context.env })
  const counts = workerCounts(options, flags.own)
  const model = await resolveModelPath(options.model, options.modelsDir)
  await requireFreePort(options.host, options.port)
  const schedulerPort = await findFreePort(internalHost, preferredSchedulerPort)
  const gatewayShutdownMs = shutdownMs(flags.passedOn, context)
  const settings = { ...options, schedulerPort, model, gatewayShutdownMs, passedOn: flags.passedOn }
  const plan = planCluster(settings, context.env, serviceEntry)
  const run = new ClusterRun({
    host: options.host,
    port: options.port,
    schedulerAddress: `${internalHost}:${schedulerPort}`,
    counts,
    apiKey: options.apiKey,
    spelledApiKey: spelledApiKey(options, flags.own),
    gatewayShutdownMs,
    readyTimeoutMs: options.readyTimeout * 1000,
    verbose: options.verbose
  }, context)
  return await run.serve(plan)
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
