import { status } from '@grpc/grpc-js'
import { afterEach, describe, expect, test } from 'vitest'
import type { Cluster__Output } from '@tandem/protocol'
import { startFakeCluster } from './support/fake-cluster.js'
import type { FakeCluster } from './support/fake-cluster.js'
import { expectedOutput } from './support/fake-model.js'

let cluster: FakeCluster
afterEach(() => cluster.close())

const range = (length: number, from = 0): number[] => Array.from({ length }, (_, index) => from + index)
const getCluster = (): Promise<Cluster__Output> => new Promise((resolve, reject) => {
  cluster.client.GetCluster({}, (error, value) => { if (value) resolve(value); else reject(error!) })
})

describe('startScheduler', () => {
  test('serves concurrent requests over one attention and one ffn worker', async () => {
    cluster = await startFakeCluster()
    const { gateway } = cluster
    await gateway.watch.until(() => gateway.states.length > 0)
    expect(gateway.states[0]).toMatchObject({ ready: false, reason: 'no attention worker is registered' })
    const attention = cluster.attention('a')
    const ffn = cluster.ffn('f')
    await gateway.watch.until(() => gateway.isReady)
    expect(gateway.states.at(-1)).toMatchObject({ modelName: 'fake', modelFingerprint: 'f00d', maxModelLen: 128 })
    for (let index = 0; index < 8; index++) gateway.generate(`r${index}`, range(5 + index), 10, index)
    for (let index = 0; index < 8; index++) {
      const { tokenIds, finishReason } = await gateway.finished(`r${index}`)
      expect({ tokenIds, finishReason }).toEqual(expectedOutput(range(5 + index), 10, index, []))
    }
    await ffn.watch.until(() => ffn.has('retire'))
    expect(attention.last('topology')!.instances[0]!.members).toMatchObject([{ workerId: 'f', shards: { start: 0, end: 8 } }])
    // Tokens of a step travel together: far fewer messages than tokens.
    expect(gateway.numMessages).toBeLessThan(40)
  })

  test('a killed attention worker costs no token', async () => {
    cluster = await startFakeCluster({ maxNumSeqs: 2 })
    const { gateway } = cluster
    const first = cluster.attention('a', { colocated: true })
    const second = cluster.attention('b', { colocated: true })
    first.isRunning = second.isRunning = false
    await gateway.watch.until(() => gateway.isReady)
    for (let index = 0; index < 4; index++) gateway.generate(`r${index}`, range(6, index), 12, index)
    await Promise.all([first, second].map(worker => worker.watch.until(() => worker.has('step'))))
    first.kill()
    second.resume()
    for (let index = 0; index < 4; index++) {
      const { tokenIds } = await gateway.finished(`r${index}`)
      expect(tokenIds).toEqual(expectedOutput(range(6, index), 12, index, []).tokenIds)
    }
    expect((await getCluster()).workers.map(({ workerId }) => workerId)).toEqual(['b'])
  })

  test('a gateway that leaves ends its requests; an abort is answered', async () => {
    cluster = await startFakeCluster()
    const { gateway } = cluster
    const worker = cluster.attention('a', { colocated: true })
    worker.isRunning = false
    await gateway.watch.until(() => gateway.isReady)
    gateway.generate('kept', range(6), 20)
    gateway.generate('dropped', range(6), 20)
    await worker.watch.until(() => worker.has('step'))
    gateway.abort('dropped')
    expect((await gateway.finished('dropped')).finishReason).toBe('FINISH_REASON_ABORT')
    expect((await getCluster()).numRequestsRunning).toBe(1)
    gateway.leave()
    await gateway.watch.until(() => gateway.end !== undefined)
    await expect.poll(async () => (await getCluster()).numRequestsRunning).toBe(0)
    const [status] = (await getCluster()).workers
    expect(status!.numFreeKvBlocks).toBe(64)
  })

  test('refuses another model, a second registration on a stream and nonsense, with a status to print', async () => {
    cluster = await startFakeCluster()
    const first = cluster.attention('a', { colocated: true })
    await first.watch.until(() => first.has('accepted'))
    const other = cluster.ffn('f', { modelFingerprint: 'beef', modelName: 'other' })
    await other.watch.until(() => other.end !== undefined)
    expect(other.end).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: 'worker f serves model other (fingerprint beef), but this cluster serves fake (f00d)'
    })
    const noBlocks = cluster.attention('b', { numKvBlocks: 0 })
    await noBlocks.watch.until(() => noBlocks.end !== undefined)
    expect(noBlocks.end!.details).toContain('num_kv_blocks must be at least 1')
    first.send({ register: first.register })
    await first.watch.until(() => first.end !== undefined)
    expect(first.end!.code).toBe(status.INVALID_ARGUMENT)
    cluster.gateway.sendNothing()
    await cluster.gateway.watch.until(() => cluster.gateway.end !== undefined)
    expect(cluster.gateway.end!.code).toBe(status.INVALID_ARGUMENT)
  })

  test('a worker that dials again under its id replaces its old stream', async () => {
    cluster = await startFakeCluster()
    const before = cluster.attention('a', { colocated: true })
    await before.watch.until(() => before.has('accepted'))
    const after = cluster.attention('a', { colocated: true })
    await before.watch.until(() => before.end !== undefined)
    expect(before.end!.code).toBe(status.ABORTED)
    await cluster.gateway.watch.until(() => cluster.gateway.isReady)
    cluster.gateway.generate('r', range(3), 3)
    expect((await cluster.gateway.finished('r')).tokenIds).toHaveLength(3)
    expect(after.has('step')).toBe(true)
  })
})
