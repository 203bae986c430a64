// Owns which scheduler `status`, `scale` and `drain` talk to: the one named, else the one `tandem up` runs here.
import { defineOptions, makeError, parseOptions } from '@tandem/core'
import type { CommandContext } from '../commands/command.js'
import { cliErrors } from '../errors.js'
import { ClusterClient } from './cluster-client.js'
import { RunningClusters } from './running-clusters.js'

export const clusterOptions = defineOptions({
  schedulerAddress: { type: 'string', description: 'host:port of the scheduler; the cluster `tandem up` runs on this machine if not given' },
  port: { type: 'integer', description: 'HTTP port of the cluster meant, when several run on this machine', min: 1, max: 65535 },
  clusterToken: { type: 'string', description: 'token of the cluster, where it has one', default: '', secret: true }
})

/** Throws `no_cluster` or `several_clusters`. */
export function findCluster (flags: Readonly<Record<string, unknown>>, context: CommandContext): ClusterClient {
  const options = parseOptions(clusterOptions, { flags, env: context.env })
  const address = options.schedulerAddress ?? addressOnThisMachine(options.port, context)
  return new ClusterClient(address, options.clusterToken)
}

function addressOnThisMachine (port: number | undefined, context: CommandContext): string {
  const clusters = new RunningClusters(context.env).list().filter(cluster => port === undefined || cluster.port === port)
  const [cluster] = clusters
  if (cluster === undefined) throw makeError(cliErrors, 'no_cluster')
  if (clusters.length > 1) throw makeError(cliErrors, 'several_clusters', { ports: clusters.map(({ port }) => port).join(', ') })
  return cluster.schedulerAddress
}
