// Owns `tandem drain WORKER`.
import { findCluster } from '../cluster/find-cluster.js'
import type { CommandContext, ExitCode } from './command.js'

export async function runDrain (
  workerId: string, flags: Readonly<Record<string, unknown>>, context: CommandContext
): Promise<ExitCode> {
  const client = findCluster(flags, context)
  try {
    await client.drainWorker(workerId)
    context.terminal.out(`${workerId} gets no new work and leaves when it is empty\n`)
    return 0
  } finally {
    client.close()
  }
}
