import { connect } from 'node:net'
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
  cluster.client.GetCluster({}, (error, value) => { if (value) resolve(value); else reject(error ?? new Error('no answer')) })
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

  test('counts connections that do not speak gRPC, and serves the others', async () => {
    cluster = await startFakeCluster()
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01']) {
      const socket = connect({ host: '127.0.0.1', port: cluster.scheduler.port }).on('error', () => {})
      socket.resume().write(bytes, 'latin1')
      await new Promise(resolve => { socket.once('close', resolve) })
    }
    const metrics = await new Promise<string>((resolve, reject) => {
      cluster.client.GetMetrics({}, (error, value) => { if (value) resolve(value.text); else reject(error ?? new Error('no answer')) })
    })
    expect(metrics).toContain('tandem_scheduler_refused_connections_total 2')
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

  test('scales through the launcher: surplus workers are drained, then leave', async () => {
    cluster = await startFakeCluster()
    const { client } = cluster
    const setScale = (change: { attention?: number, ffn?: number }): Promise<unknown> => new Promise(resolve => {
      client.SetScale(change, (error, value) => { resolve(error ? { code: error.code, details: error.details } : value) })
    })
    expect(await setScale({ attention: 2 })).toMatchObject({ code: status.FAILED_PRECONDITION, details: expect.stringContaining('no launcher is attached') })
    const launcher = cluster.launcher(2, 2)
    const [a1, a2, f1, f2] = [cluster.attention('a1'), cluster.attention('a2'), cluster.ffn('f1'), cluster.ffn('f2')] as const
    await cluster.gateway.watch.until(() => cluster.gateway.isReady)
    await Promise.all([a1, a2].map(worker => worker.watch.until(() => worker.last('topology')?.instances[0]?.members.length === 2)))
    expect(await setScale({ attention: 0 })).toMatchObject({ code: status.INVALID_ARGUMENT, details: 'attention must be a whole number from 1 to 256' })
    expect(await setScale({ attention: 1, ffn: 1 })).toEqual({ attention: 1, ffn: 1 })
    await launcher.watch.until(() => launcher.commands.length > 0)
    expect(launcher.commands).toEqual([{ attention: 1, ffn: 1 }])
    await Promise.all([a2, f2].map(worker => worker.watch.until(() => worker.has('drained'))))
    a2.close()
    f2.close()
    await f2.watch.until(() => f2.end !== undefined)
    expect(await getCluster()).toMatchObject({ targetAttention: 1, targetFfn: 1, hasLauncher: true, store: 'memory' })
    cluster.gateway.generate('r', range(3), 3)
    expect((await cluster.gateway.finished('r')).tokenIds).toEqual(expectedOutput(range(3), 3, 0, []).tokenIds)
    expect([a1.has('drained'), f1.has('drained')]).toEqual([false, false])
    const second = cluster.launcher(1, 1)
    await second.watch.until(() => second.end !== undefined)
    expect(second.end!.code).toBe(status.ALREADY_EXISTS)
  })

  test('drains a worker by name, and says why it does not', async () => {
    cluster = await startFakeCluster()
    const drain = (workerId: string): Promise<unknown> => new Promise(resolve => {
      cluster.client.DrainWorker({ workerId }, error => { resolve(error?.code) })
    })
    const [a, b] = [cluster.attention('a', { colocated: true }), cluster.attention('b', { colocated: true })] as const
    await Promise.all([a, b].map(worker => worker.watch.until(() => worker.has('accepted'))))
    expect(await drain('nobody')).toBe(status.NOT_FOUND)
    expect(await drain('a')).toBeUndefined()
    await a.watch.until(() => a.has('drained'))
    expect(await drain('b')).toBe(status.FAILED_PRECONDITION)
    b.send({ drainRequested: {} })
    await b.watch.until(() => b.has('drained'))
  })

  test('a silent worker is told why its stream ends', async () => {
    cluster = await startFakeCluster({ heartbeatIntervalMs: 20, heartbeatTimeoutMs: 60 })
    const worker = cluster.attention('a', { colocated: true })
    await worker.watch.until(() => worker.end !== undefined)
    expect(worker.end).toMatchObject({ code: status.DEADLINE_EXCEEDED, details: expect.stringMatching(/^worker a sent nothing for \d+ ms$/) })
    await cluster.gateway.watch.until(() => cluster.gateway.states.length >= 3)
    expect(cluster.gateway.isReady).toBe(false)
  })

  test('describes the cluster and its metrics', async () => {
    cluster = await startFakeCluster({ ffnSplit: 'tp' })
    cluster.attention('a')
    const ffn = cluster.ffn('f')
    await cluster.gateway.watch.until(() => cluster.gateway.isReady)
    ffn.send({ heartbeat: { stats: { numFrames: 7, rssBytes: 1000 } } })
    await expect.poll(async () => (await getCluster()).workers[1]?.stats?.numFrames).toBe(7)
    expect(await getCluster()).toMatchObject({
      split: 'FFN_SPLIT_TP',
      version: '0.1.0',
      workers: [
        { workerId: 'a', role: 'WORKER_ROLE_ATTENTION', state: 'ready', numKvBlocks: 64, numFreeKvBlocks: 64, blockSize: 4 },
        { workerId: 'f', role: 'WORKER_ROLE_FFN', state: 'ready', assignment: { rank: 0, size: 1, split: 'FFN_SPLIT_TP' }, endpoints: [{ connector: 'tcp' }] }
      ]
    })
    const text = await new Promise<string>((resolve, reject) => {
      cluster.client.GetMetrics({}, (error, value) => { if (value) resolve(value.text); else reject(error ?? new Error('no answer')) })
    })
    expect(text).toContain('tandem_scheduler_ffn_frames{worker_id="f"} 7')
    expect(text).toContain('tandem_scheduler_ready 1')
  })

  test('closing ends every stream with a reason', async () => {
    cluster = await startFakeCluster()
    const worker = cluster.attention('a', { colocated: true })
    const launcher = cluster.launcher(1, 0)
    await cluster.gateway.watch.until(() => cluster.gateway.isReady)
    await expect.poll(async () => (await getCluster()).hasLauncher).toBe(true)
    const closed = cluster.scheduler.close()
    for (const { watch, stream } of [
      { watch: worker.watch, stream: worker }, { watch: launcher.watch, stream: launcher }, { watch: cluster.gateway.watch, stream: cluster.gateway }
    ]) {
      await watch.until(() => stream.end !== undefined)
      expect(stream.end).toEqual({ code: status.UNAVAILABLE, details: 'the scheduler is shutting down' })
    }
    await closed
  })

  test('refuses options that cannot work, and a public address without a token', async () => {
    cluster = await startFakeCluster()
    await expect(startFakeCluster({ heartbeatIntervalMs: 1000, heartbeatTimeoutMs: 1500 })).rejects.toMatchObject({ code: 'options_conflict' })
    await expect(startFakeCluster({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'cluster_token_required' })
    await expect(startFakeCluster({ port: cluster.scheduler.port })).rejects.toMatchObject({ code: 'bind_failed' })
    await expect(startFakeCluster({ redis: 'nonsense' })).rejects.toMatchObject({ code: 'store_url_invalid' })
  })

  test('serves while its Redis is away, and says so', async () => {
    cluster = await startFakeCluster({ redis: 'redis://127.0.0.1:1' })
    cluster.attention('a', { colocated: true })
    await cluster.gateway.watch.until(() => cluster.gateway.isReady)
    cluster.gateway.generate('r', range(3), 3)
    expect((await cluster.gateway.finished('r')).tokenIds).toHaveLength(3)
    expect((await getCluster()).store).toBe('redis (unreachable)')
  })
})
