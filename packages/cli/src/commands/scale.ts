// Owns `tandem scale attention=N ffn=M`: sets targets and waits until the workers are there.
import { setTimeout as delay } from 'node:timers/promises'
import { makeError, parseOptions } from '@tandem/core'
import type { Cluster__Output } from '@tandem/protocol'
import type { ClusterClient, Scale } from '../cluster/cluster-client.js'
import { findCluster } from '../cluster/find-cluster.js'
import { cliErrors } from '../errors.js'
import { describeCluster } from '../launcher/readiness.js'
import { ProgressLine } from '../terminal/progress-line.js'
import type { CommandContext, ExitCode } from './command.js'
import { scaleOptions } from './scale-options.js'

const intervalMs = 300

export async function runScale (
  targets: readonly string[], flags: Readonly<Record<string, unknown>>, wait: boolean, context: CommandContext
): Promise<ExitCode> {
  const scale = parseTargets(targets)
  const { timeout, force } = parseOptions(scaleOptions, { flags })
  const client = findCluster(flags, context)
  const progress = new ProgressLine(context.terminal)
  try {
    const counts = await client.setScale(scale, force)
    if (wait) await waitForScale(client, counts, progress, timeout * 1000)
    progress.end()
    context.terminal.out(`${counts.attention} attention and ${counts.ffn} ffn workers\n`)
    return 0
  } finally {
    progress.end()
    client.close()
  }
}

/** `['attention=2', 'ffn=3']`; throws `usage` naming what is wrong. */
export function parseTargets (targets: readonly string[]): Scale {
  const scale: { attention?: number, ffn?: number } = {}
  for (const target of targets) {
    const [, role, count] = /^(attention|ffn)=(\d{1,3})$/.exec(target) ?? []
    if (role === undefined) throw usage(`'${target}' is not attention=N or ffn=N`)
    if (role === 'attention') scale.attention = Number(count)
    else scale.ffn = Number(count)
  }
  if (targets.length === 0) throw usage('say what to scale: attention=N, ffn=N or both')
  if (scale.attention === 0) throw usage('attention must be at least 1')
  return scale
}

const usage = (reason: string) => makeError(cliErrors, 'usage', { reason })

async function waitForScale (
  client: ClusterClient, counts: { readonly attention: number, readonly ffn: number }, progress: ProgressLine, timeoutMs: number
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (true) {
    const cluster = await client.getCluster()
    if (hasScale(cluster, counts)) return
    progress.update(describeCluster(cluster, counts))
    if (Date.now() > deadline) {
      throw makeError(cliErrors, 'not_ready', { seconds: timeoutMs / 1000, reason: describeCluster(cluster, counts) })
    }
    await delay(intervalMs)
  }
}

function hasScale (cluster: Cluster__Output, counts: { readonly attention: number, readonly ffn: number }): boolean {
  const states = (role: string) => cluster.workers.filter(worker => worker.role === role).map(worker => worker.state)
  const settled = (role: string, target: number) =>
    states(role).length === target && states(role).every(state => state === 'ready')
  return settled('WORKER_ROLE_ATTENTION', counts.attention) && settled('WORKER_ROLE_FFN', counts.ffn)
}
