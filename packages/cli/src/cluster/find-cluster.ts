// Owns which scheduler `status`, `scale` and `drain` talk to: the one named, else the one `tandem up` runs here.
import { makeError, parseOptions } from '@tandem/core'
import type { CommandContext } from '../commands/command.js'
import { cliErrors } from '../errors.js'
import { clusterOptions } from './cluster-options.js'
import { ClusterClient } from './cluster-client.js'
import { RunningClusters } from './running-clusters.js'

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
