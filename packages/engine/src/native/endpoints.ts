// Owns which endpoint of an FFN worker the native engine dials, best first: loopback in this process, shm on this
// host, tcp elsewhere. Knows no socket.
import { makeError, NUM_VIRTUAL_SHARDS } from '@tandem/core'
import type { ConnectorKind, FfnEndpoint, FfnTopology, ShardRange } from '@tandem/core'
import { engineErrors } from '../errors.js'
import { nativeErrors } from './errors.js'

/** Connectors written in C++, best first. */
const spoken: readonly ConnectorKind[] = ['loopback', 'shm', 'tcp']

/**
 * The topology with the endpoints this side can dial, in the order to try. Throws `no_common_connector` for a member that
 * offers none, `topology_invalid` for an instance that does not cover every leaf once.
 */
export function reachableTopology (topology: FfnTopology, connector: ConnectorKind | 'auto', hostId: string): FfnTopology {
  const instances = topology.instances.map(instance => {
    checkCoverage(instance.instanceIdx, instance.members.map(member => member.shards))
    const members = instance.members.map(member => {
      const usable = member.endpoints.filter(endpoint => isUsable(endpoint, connector, hostId))
      const endpoints = spoken.flatMap(kind => usable.filter(endpoint => endpoint.connector === kind))
      if (endpoints.length === 0) {
        throw makeError(engineErrors, 'no_common_connector', {
          workerId: member.workerId,
          offered: member.endpoints.map(endpoint => endpoint.connector).join(', ') || 'nothing',
          spoken: connector === 'auto' ? spoken.join(', ') : connector
        })
      }
      return { ...member, endpoints }
    })
    return { ...instance, members }
  })
  return { ...topology, instances }
}

function isUsable (endpoint: FfnEndpoint, connector: ConnectorKind | 'auto', hostId: string): boolean {
  if (endpoint.connector === 'loopback') return true
  if (connector !== 'auto' && endpoint.connector !== connector) return false
  return endpoint.connector !== 'shm' || endpoint.hostId === hostId
}

function checkCoverage (instanceIdx: number, ranges: readonly ShardRange[]): void {
  const leaves = ranges.flatMap(range => Array.from({ length: range.end - range.start }, (_, i) => range.start + i)).sort((a, b) => a - b)
  if (leaves.length !== NUM_VIRTUAL_SHARDS || leaves.some((leaf, i) => leaf !== i)) {
    throw makeError(nativeErrors, 'topology_invalid', { instanceIdx })
  }
}
