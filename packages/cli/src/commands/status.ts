// Owns `tandem status`.
import { clusterJson, clusterText } from '../cluster/cluster-report.js'
import { findCluster } from '../cluster/find-cluster.js'
import type { CommandContext, ExitCode } from './command.js'

export async function runStatus (
  flags: Readonly<Record<string, unknown>>, json: boolean, context: CommandContext
): Promise<ExitCode> {
  const client = findCluster(flags, context)
  try {
    const cluster = await client.getCluster()
    context.terminal.out(json ? `${JSON.stringify(clusterJson(cluster), null, 2)}\n` : clusterText(cluster))
    return 0
  } finally {
    client.close()
  }
}
