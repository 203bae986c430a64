// Which endpoint a native attention engine dials.
import { describe, expect, it } from 'vitest'
import type { FfnEndpoint, FfnTopology } from '@tandem/core'
import { reachableTopology } from '../../src/native/endpoints.js'

const tcp: FfnEndpoint = { connector: 'tcp', address: '10.0.0.1:9000' }
const grpc: FfnEndpoint = { connector: 'grpc', address: '10.0.0.1:9001' }
const shm: FfnEndpoint = { connector: 'shm', address: '/run/f.sock', hostId: 'here' }
const loopback: FfnEndpoint = { connector: 'loopback', address: 'name' }

function topologyOf (endpoints: readonly FfnEndpoint[], ends = [8]): FfnTopology {
  const members = ends.map((end, i) => ({ workerId: `f${i}`, shards: { start: ends[i - 1] ?? 0, end }, endpoints }))
  return { epoch: 1, split: 'tp', instances: [{ instanceIdx: 3, members }] }
}

const chosen = (topology: FfnTopology) => topology.instances[0]!.members[0]!.endpoints

describe('reachableTopology', () => {
  it('prefers loopback, then shm of this host, then tcp', () => {
    expect(chosen(reachableTopology(topologyOf([tcp, grpc, shm, loopback]), 'auto', 'here'))).toEqual([loopback, shm, tcp])
    expect(chosen(reachableTopology(topologyOf([tcp, shm]), 'auto', 'elsewhere'))).toEqual([tcp])
  })

  it('keeps to the connector that was asked for', () => {
    expect(chosen(reachableTopology(topologyOf([tcp, shm]), 'tcp', 'here'))).toEqual([tcp])
    expect(chosen(reachableTopology(topologyOf([tcp, shm]), 'shm', 'here'))).toEqual([shm])
  })

  it('refuses a member that offers nothing this side speaks', () => {
    expect(() => reachableTopology(topologyOf([grpc]), 'auto', 'here')).toThrow('offers grpc')
    expect(() => reachableTopology(topologyOf([shm]), 'shm', 'elsewhere')).toThrow('this side speaks shm')
  })

  it('refuses an instance that lacks a leaf or has one twice', () => {
    expect(() => reachableTopology(topologyOf([tcp], [3, 7]), 'auto', 'here')).toThrow('instance 3')
    const twice = topologyOf([tcp], [4, 8])
    const [first] = twice.instances[0]!.members
    const members = [first!, { ...first!, workerId: 'f1' }]
    expect(() => reachableTopology({ ...twice, instances: [{ instanceIdx: 3, members }] }, 'auto', 'here')).toThrow('exactly once')
    expect(reachableTopology(topologyOf([tcp], [3, 8]), 'auto', 'here').instances[0]!.members).toHaveLength(2)
  })
})
