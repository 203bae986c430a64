import { afterEach, describe, expect, it } from 'vitest'
import { createSchedulerClient } from '../src/client.js'
import { SchedulerClientConstructor } from '../src/load.js'
import { createGrpcServer, requireTokenUnlessLoopback } from '../src/server.js'
import type { GrpcServer } from '../src/server.js'

const servers: GrpcServer[] = []
afterEach(async () => { await Promise.all(servers.splice(0).map(server => server.close(0))) })

async function serve (clusterToken: string): Promise<string> {
  const grpc = createGrpcServer({ host: '127.0.0.1', port: 0, clusterToken })
  servers.push(grpc)
  grpc.server.addService(SchedulerClientConstructor.service, {
    getCluster: (_call: unknown, reply: (error: null, value: object) => void) => { reply(null, { epoch: 7 }) }
  } as never)
  return `127.0.0.1:${await grpc.listen()}`
}

function getEpoch (address: string, token: string): Promise<number> {
  const client = createSchedulerClient(address, token)
  return new Promise((resolve, reject) => {
    client.getCluster({}, (error, cluster) => {
      client.close()
      if (error) reject(error)
      else resolve(cluster?.epoch ?? -1)
    })
  })
}

describe('cluster token', () => {
  it('lets a peer with the token in', async () => {
    expect(await getEpoch(await serve('secret'), 'secret')).toBe(7)
  })

  it.each(['', 'wrong!', 'longer than the secret'])('refuses %j', async token => {
    await expect(getEpoch(await serve('secret'), token)).rejects.toThrow(/UNAUTHENTICATED/)
  })

  it('is required off loopback', () => {
    expect(() => requireTokenUnlessLoopback('0.0.0.0', '')).toThrow(/TANDEM_CLUSTER_TOKEN/)
    expect(() => requireTokenUnlessLoopback('0.0.0.0', 'x')).not.toThrow()
    expect(() => requireTokenUnlessLoopback('127.0.0.1', '')).not.toThrow()
  })
})

describe('listen', () => {
  it('names the address of a busy port', async () => {
    const address = await serve('')
    const second = createGrpcServer({ host: '127.0.0.1', port: Number(address.split(':')[1]), clusterToken: '' })
    await expect(second.listen()).rejects.toThrow(`cannot listen on ${address}`)
  })
})
