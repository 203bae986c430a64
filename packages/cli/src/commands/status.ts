// Owns `tandem status`: the whole cluster, or one worker as a health check.
import { makeError } from '@tandem/core'
import type { Cluster__Output } from '@tandem/protocol'
import { clusterJson, clusterText } from '../cluster/cluster-report.js'
import { findCluster } from '../cluster/find-cluster.js'
import { cliErrors } from '../errors.js'
import type { CommandContext, ExitCode } from './command.js'

export interface StatusView {
  readonly json?: true
  /** Id or host name: only this worker is shown, and the command fails unless it is ready. */
  readonly worker?: string
}

export async function runStatus (
  flags: Readonly<Record<string, unknown>>, view: StatusView, context: CommandContext
): Promise<ExitCode> {
  const client = findCluster(flags, context)
  try {
    const cluster = await client.getCluster()
    const shown = view.worker === undefined ? cluster : onlyWorker(cluster, view.worker)
    context.terminal.out(view.json ? `${JSON.stringify(clusterJson(shown), null, 2)}\n` : clusterText(shown))
    return view.worker === undefined || shown.workers.every(worker => worker.state === 'ready') ? 0 : 1
  } finally {
    client.close()
  }
}

/** Throws `worker_missing`. */
function onlyWorker (cluster: Cluster__Output, worker: string): Cluster__Output {
  const workers = cluster.workers.filter(({ workerId, host }) => workerId === worker || host === worker)
  if (workers.length === 0) throw makeError(cliErrors, 'worker_missing', { worker })
  return { ...cluster, workers }
}
