// Members die in the middle of a layer, epochs pass, replicas stand in: the text must not change.
import { afterEach, describe, expect, it } from 'vitest'
import { createGrpcConnector, createLoopbackConnector, createTcpConnector, tokenDigestOf } from '@tandem/connector'
import type { Connector } from '@tandem/connector'
import type { Clock, FfnTopology } from '@tandem/core'
import type { StepPlan } from '../../src/types.js'
import { systemClock } from '@tandem/core'
import { formInstance, generate, modelFingerprint, newSequence, prompts, singleInstance, startAttention, startCluster, startFfn } from './support/cluster.js'
import type { AttentionSettings, FakeAttention, FakeFfn } from './support/cluster.js'

const toDispose: Array<{ dispose (): Promise<void> }> = []
afterEach(async () => { await Promise.all(toDispose.splice(0).map(engine => engine.dispose())) })

const sequences = prompts(4).map((tokenIds, i) => newSequence(i, tokenIds, 10))

async function expectedOutputs (): Promise<Map<number, number[]>> {
  const cluster = await startCluster(1)
  const outputs = await generate(cluster.engine, sequences)
  await cluster.close()
  return outputs
}

async function startPair (connector: Connector, settings: Partial<AttentionSettings> = {}): Promise<FakeAttention & { ffn: [FakeFfn, FakeFfn] }> {
  const attention = startAttention({ connectors: [connector], ...settings })
  const ffn: [FakeFfn, FakeFfn] = [await startFfn('f0', connector), await startFfn('f1', connector)]
  toDispose.push(attention.engine, ffn[0].engine, ffn[1].engine)
  return { ...attention, ffn }
}

/** Calls back in the `count`-th run of layer 1. */
function inLayerOne (ffn: FakeFfn, count: number, callback: () => void): void {
  let left = count
  ffn.backend.onRun = layerIdx => { if (layerIdx === 1 && --left === 0) callback() }
}

describe.each([
  ['tcp', createTcpConnector()],
  ['grpc', createGrpcConnector({ clusterToken: '' })]
] as const)('over %s', (_name, connector) => {
  it('a member that dies in mid-layer is replaced by a new topology', async () => {
    const { engine, ffn: [survivor, victim], peersDown } = await startPair(connector)
    await engine.setTopology(await singleInstance(1, 'ep', [survivor, victim]))
    const repaired = new Promise<void>(resolve => {
      inLayerOne(victim, 4, () => {
        victim.engine.dispose()
          .then(() => singleInstance(2, 'ep', [survivor]))
          .then(topology => engine.setTopology(topology))
          .then(resolve, error => { throw error })
      })
    })
    expect(await generate(engine, sequences, 2)).toEqual(await expectedOutputs())
    await repaired
    expect(peersDown).toHaveLength(1)
    expect(peersDown[0]).toMatch(/^f1: /)
    expect(engine.stats().framesResent).toBeGreaterThan(0)
    survivor.engine.retire(2)
    expect(survivor.backend.held.size).toBe(8)
  })

  it('a replica takes over without a new topology', async () => {
    const { engine, ffn: [first, second] } = await startPair(connector)
    const instances = [await formInstance(1, 0, 'ep', [first]), await formInstance(1, 1, 'ep', [second])]
    await engine.setTopology({ epoch: 1, split: 'ep', instances })
    inLayerOne(second, 2, () => { second.engine.dispose().catch(() => {}) })
    expect(await generate(engine, sequences, 2)).toEqual(await expectedOutputs())
    expect(first.backend.numRuns).toBeGreaterThan(0)
    expect(second.backend.numRuns).toBeGreaterThan(0)
  })

  it('a refused epoch waits for the topology that replaces it', async () => {
    const { engine, ffn: [first, second] } = await startPair(connector)
    await engine.setTopology(await singleInstance(1, 'ep', [first, second]))
    inLayerOne(first, 5, () => {
      // The scheduler moved everything to epoch 2 and retired epoch 1 before it told this attention worker.
      singleInstance(2, 'ep', [second, first]).then(topology => {
        first.engine.retire(2)
        second.engine.retire(2)
        setImmediate(() => { engine.setTopology(topology).catch(error => { throw error }) })
      }, error => { throw error })
    })
    expect(await generate(engine, sequences, 3)).toEqual(await expectedOutputs())
    expect(engine.stats().framesResent).toBeGreaterThan(0)
  })
})

it('follows a topology that changes at every step, between 1 and 2 workers and both directions of the epoch', async () => {
  const connector = createTcpConnector()
  const { engine, ffn } = await startPair(connector)
  const topologies: FfnTopology[] = []
  for (const [i, workers] of [[ffn[0]], ffn, [ffn[1]], [ffn[1], ffn[0]]].entries()) topologies.push(await singleInstance(10 - i, 'ep', workers))
  const moving = {
    async step (plan: StepPlan) {
      await engine.setTopology(topologies[plan.stepId % topologies.length]!)
      return await engine.step(plan)
    }
  }
  expect(await generate(moving, sequences, 2)).toEqual(await expectedOutputs())
})

describe('a step that nobody answers', () => {
  /** Deadlines pass when the test says so. */
  function manualClock (): { clock: Clock, expire (): void } {
    const pending = new Set<() => void>()
    const clock: Clock = {
      nowMs: () => systemClock.nowMs(),
      after (ms, callback) {
        if (ms < 1_000_000) return systemClock.after(ms, callback)
        pending.add(callback)
        return () => { pending.delete(callback) }
      }
    }
    return { clock, expire: () => { for (const callback of [...pending]) callback() } }
  }

  it('fails with ffn_unavailable, keeps the sequences as they were, and takes the plan behind it along', async () => {
    const { clock, expire } = manualClock()
    const connector = createTcpConnector()
    const { engine, ffn: [first, second] } = await startPair(connector, { clock, ffnTimeoutMs: 1_000_000 })
    await engine.setTopology(await singleInstance(1, 'ep', [first]))
    const [sequence] = sequences
    const prefill = { seqId: 0, numComputedTokens: 0, numScheduledTokens: 3, ubatchIdx: 0, newBlockIds: [5] }
    const plan = { stepId: 1, removedSeqIds: [], newSequences: [sequence!], scheduled: [prefill], ffnInstanceOfUbatch: [] }
    inLayerOne(first, 1, () => { first.engine.dispose().then(() => { setImmediate(expire) }, () => {}) })
    const failing = engine.step(plan)
    const decode = { ...prefill, numComputedTokens: 3, numScheduledTokens: 1, newBlockIds: [] }
    const behind = engine.step({ ...plan, stepId: 2, newSequences: [], scheduled: [decode] })
    behind.catch(() => {})
    await expect(failing).rejects.toMatchObject({ code: 'ffn_unavailable', retryable: true, facts: { layerIdx: 1 } })
    await expect(behind).rejects.toMatchObject({ code: 'step_aborted' })
    expect(engine.stats().numSequences).toBe(0)

    await engine.setTopology(await singleInstance(2, 'ep', [second]))
    const { sampled } = await engine.step(plan)
    expect(sampled.map(({ tokenId }) => tokenId)).toEqual((await expectedOutputs()).get(0)!.slice(0, 1))
  })

  it('says who did not answer', async () => {
    const { clock, expire } = manualClock()
    const connector = createLoopbackConnector()
    const { engine, ffn: [first] } = await startPair(connector, { clock, ffnTimeoutMs: 1_000_000 })
    // A listener that nobody serves: connected, and silent.
    const silent = await connector.listen({
      tokenDigest: tokenDigestOf('secret'), modelFingerprint, workerId: 's', host: '', port: 0, advertiseHost: '', maxQueuedFrames: 4, maxFrameBytes: 1 << 20
    })
    const members = [{ workerId: 'silent', shards: { start: 0, end: 8 }, endpoints: [silent.endpoint] }]
    await engine.setTopology({ epoch: 1, split: 'ep', instances: [{ instanceIdx: 0, members }] })
    const outputs = generate(engine, sequences)
    outputs.catch(() => {})
    await silent.recvAttnOutput()
    expire()
    await expect(outputs).rejects.toThrow('no FFN worker answered layer 0 within 1000000 ms: epoch 1 is connected, but silent did not answer in full')
    await engine.setTopology(await singleInstance(2, 'ep', [first]))
    expect(await generate(engine, sequences)).toEqual(await expectedOutputs())
    await silent.close()
  })

  it('waits for the first topology', async () => {
    const connector = createTcpConnector()
    const { engine, ffn: [first] } = await startPair(connector)
    const outputs = generate(engine, sequences)
    await engine.setTopology(await singleInstance(1, 'ep', [first]))
    expect(await outputs).toEqual(await expectedOutputs())
  })
})

it('rejects a topology whose member cannot be reached and tells of it once', async () => {
  const connector = createTcpConnector()
  const { engine, ffn: [first], peersDown } = await startPair(connector)
  const topology = await singleInstance(1, 'ep', [first])
  await first.engine.dispose()
  await expect(engine.setTopology(topology)).rejects.toMatchObject({ code: 'connect_failed' })
  expect(peersDown).toEqual([expect.stringContaining('f0: cannot connect')])
})

it('says so when no connector is common', async () => {
  const { engine } = await startPair(createTcpConnector())
  const members = [{ workerId: 'x', shards: { start: 0, end: 8 }, endpoints: [{ connector: 'shm' as const, address: '/run/x' }] }]
  await expect(engine.setTopology({ epoch: 1, split: 'ep', instances: [{ instanceIdx: 0, members }] }))
    .rejects.toMatchObject({ code: 'no_common_connector' })
})
