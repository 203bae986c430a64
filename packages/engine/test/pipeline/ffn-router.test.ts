import { beforeEach, describe, expect, it } from 'vitest'
import type { FfnTopology } from '@tandem/core'
import { tokenDigestOf } from '@tandem/connector'
import { FfnRouter } from '../../src/pipeline/ffn-router.js'
import { FakeConnector } from './support/fake-connector.js'

let connector: FakeConnector
let peersDown: string[]
/** Redials the router has planned; the test runs them. */
let retries: Array<{ ms: number, run: () => void }>
let router: FfnRouter

beforeEach(() => {
  connector = new FakeConnector()
  peersDown = []
  retries = []
  const clock = {
    nowMs: () => 0,
    after (ms: number, run: () => void) {
      const retry = { ms, run }
      retries.push(retry)
      return () => { retries = retries.filter(other => other !== retry) }
    }
  }
  const hello = { kind: 'hello', workerNumber: 1, workerId: 'a', tokenDigest: tokenDigestOf(''), modelFingerprint: new Uint8Array(32) } as const
  const connectOptions = { hello, maxInFlight: 4, connectTimeoutMs: 100 }
  router = new FfnRouter({ connectors: [connector], connectOptions, clock }, workerId => { peersDown.push(workerId) })
})

/** `instances` lists the workers of each: ['f0', 'f1'] splits the leaves, [['f0'], ['f1']] are replicas. */
function topology (epoch: number, ...instances: string[][]): FfnTopology {
  return {
    epoch,
    split: 'ep',
    instances: instances.map((workers, instanceIdx) => ({
      instanceIdx,
      members: workers.map((workerId, rank) => ({
        workerId,
        shards: { start: rank * 8 / workers.length, end: (rank + 1) * 8 / workers.length },
        endpoints: [{ connector: 'tcp', address: workerId }]
      }))
    }))
  }
}

const picked = (instanceIdx?: number, ubatchIdx = 0) => {
  const target = router.pick(instanceIdx, ubatchIdx)
  return target === null ? null : `${target.route.epoch}:${target.members.map(({ link }) => link.workerId).join('+')}`
}

const settle = () => new Promise(resolve => { setImmediate(resolve) })

describe('pick', () => {
  it('knows nothing before the first topology', () => {
    expect(picked()).toBeNull()
    expect(router.lastReason).toBe('no topology has been set')
  })

  it('takes the instance the plan names, else deals them to ubatches in turn', async () => {
    await router.setTopology(topology(1, ['f0'], ['f1'], ['f2']))
    expect([picked(2), picked(undefined, 0), picked(undefined, 1), picked(undefined, 5), picked(9, 1)])
      .toEqual(['1:f2', '1:f0', '1:f1', '1:f2', '1:f1'])
  })

  it('wants every member of an instance, with the nodes each one answers', async () => {
    await router.setTopology(topology(1, ['f0', 'f1'], ['f2']))
    expect(router.pick(0, 0)?.members.map(({ nodes }) => nodes)).toEqual([[2], [3]])
    connector.channelsTo('f1')[0]!.break('killed')
    expect(picked(0)).toBe('1:f2')
    expect(peersDown).toEqual(['f1'])
    expect(router.lastReason).toBe('f1: killed')
  })

  it('never goes back to a route that was refused as stale', async () => {
    await router.setTopology(topology(1, ['f0']))
    router.markStale(router.pick(0, 0)!.route, 'epoch 1 is over')
    expect(picked()).toBeNull()
    await router.setTopology(topology(2, ['f0']))
    expect(picked()).toBe('2:f0')
  })
})

describe('setTopology', () => {
  it('uses channels again and closes those of workers that are gone, without reporting them', async () => {
    await router.setTopology(topology(1, ['f0', 'f1']))
    await router.setTopology(topology(2, ['f0', 'f2']))
    expect(connector.channelsTo('f0')).toHaveLength(1)
    expect(connector.channelsTo('f1')[0]!.isClosed).toBe(true)
    expect(peersDown).toEqual([])
    expect(picked()).toBe('2:f0+f2')
  })

  it('keeps the connected route for as long as its successor cannot be reached, however often it is tried', async () => {
    await router.setTopology(topology(1, ['f0']))
    connector.down.add('f1')
    const next = topology(2, ['f1'])
    await expect(router.setTopology(next)).rejects.toMatchObject({ code: 'connect_failed' })
    await expect(router.setTopology(next)).rejects.toMatchObject({ code: 'connect_failed' })
    expect(picked()).toBe('1:f0')
    connector.down.clear()
    await router.setTopology(next)
    expect(picked()).toBe('2:f1')
    expect(connector.channelsTo('f0')[0]!.isClosed).toBe(true)
  })

  it('takes an epoch that is lower: the scheduler started afresh', async () => {
    await router.setTopology(topology(9, ['f0']))
    await router.setTopology(topology(1, ['f0']))
    expect(picked()).toBe('1:f0')
  })
})

describe('a lost channel', () => {
  it('is dialled again with growing pauses, and wakes those who wait', async () => {
    await router.setTopology(topology(1, ['f0']))
    connector.down.add('f0')
    connector.channelsTo('f0')[0]!.break('reset')
    expect(picked()).toBeNull()
    const woken = router.changed()
    const pauses = []
    for (let attempt = 0; attempt < 3; attempt++) {
      pauses.push(retries[0]!.ms)
      retries.shift()!.run()
      await settle()
    }
    connector.down.clear()
    retries.shift()!.run()
    await woken
    expect(picked()).toBe('1:f0')
    expect(pauses[1]!).toBeGreaterThan(pauses[0]!)
    expect(pauses[2]!).toBeGreaterThan(pauses[1]!)
    expect(peersDown).toEqual(['f0'])
  })

  it('is dialled at once when a topology names its worker again', async () => {
    await router.setTopology(topology(1, ['f0']))
    connector.channelsTo('f0')[0]!.break('reset')
    await router.setTopology(topology(2, ['f0']))
    expect(picked()).toBe('2:f0')
    expect(retries).toEqual([])
  })

  it('is left alone once the router is closed', async () => {
    await router.setTopology(topology(1, ['f0']))
    router.close()
    expect(connector.channelsTo('f0')[0]!.isClosed).toBe(true)
    expect(retries).toEqual([])
    expect(peersDown).toEqual([])
    expect(picked()).toBeNull()
  })
})
