// Owns which scheduler `status`, `scale` and `drain` talk to: the one named, else the one `tandem up` runs here.
import { makeError, parseOptions } from '@tandem/core'
import type { CommandContext } from '../commands/command.js'
import { cliErrors } from '../errors.js'
import { clusterOptions } from './cluster-options.js'
import { ClusterClient } from './cluster-client.js'
import { RunningClusters } from './running-clusters.js'
import type { RunningCluster } from './running-clusters.js'

/** Throws `no_cluster` or `several_clusters`. */
export function findCluster (flags: Readonly<Record<string, unknown>>, context: CommandContext): ClusterClient {
  const options = parseOptions(clusterOptions, { flags, env: context.env })
  const running = new RunningClusters(context.env).list()
  if (options.schedulerAddress !== undefined) {
    const known = running.find(cluster => cluster.schedulerAddress === options.schedulerAddress)
    return new ClusterClient(options.schedulerAddress, options.clusterToken || known?.clusterToken || '')
  }
  const { schedulerAddress, clusterToken } = onlyCluster(running, options.port)
  return new ClusterClient(schedulerAddress, options.clusterToken || clusterToken)
}

function onlyCluster (running: readonly RunningCluster[], port: number | undefined): RunningCluster {
  const clusters = running.filter(cluster => port === undefined || cluster.port === port)
  const [cluster] = clusters
  if (cluster === undefined) throw makeError(cliErrors, 'no_cluster')
  if (clusters.length > 1) throw makeError(cliErrors, 'several_clusters', { ports: clusters.map(({ port }) => port).join(', ') })
  return cluster
}
