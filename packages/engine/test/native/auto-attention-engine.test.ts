// When the automatic choice moves to the pipelined engine, and when it must not. Engines are fakes: no addon needed.
import { describe, expect, it } from 'vitest'
import type { ConnectorKind, FfnTopology } from '@tandem/core'
import { makeError } from '@tandem/core'
import { engineErrors } from '../../src/errors.js'
import { AutoAttentionEngine } from '../../src/native/auto-attention-engine.js'
import type { AttentionEngine, StepPlan } from '../../src/types.js'

const plan: StepPlan = { stepId: 1, removedSeqIds: [], newSequences: [], scheduled: [], ffnInstanceOfUbatch: [] }

function topologyOf (epoch: number, ...connectors: ConnectorKind[]): FfnTopology {
  const members = connectors.map((connector, i) => {
    return { workerId: `f${i}`, shards: { start: 0, end: 8 }, endpoints: [{ connector, address: 'somewhere' }] }
  })
  return { epoch, split: 'tp', instances: [{ instanceIdx: 0, members }] }
}

class FakeEngine implements AttentionEngine {
  readonly info = { backend: 'cpu', reason: 'fake', weightBytes: 1 } as const
  readonly kvCache = { numBlocks: 1, blockSize: 16, dtype: 'f16', bytes: 1 } as const
  readonly epochs: number[] = []
  readonly steps: number[] = []
  isDisposed = false

  constructor (private readonly spoken: readonly ConnectorKind[]) {}

  async setTopology ({ epoch, instances }: FfnTopology): Promise<void> {
    const offered = instances.flatMap(({ members }) => members.flatMap(({ endpoints }) => endpoints.map(({ connector }) => connector)))
    if (!offered.every(connector => this.spoken.includes(connector))) {
      throw makeError(engineErrors, 'no_common_connector', { workerId: 'f', offered: offered.join(), spoken: this.spoken.join() })
    }
    this.epochs.push(epoch)
  }

  async step ({ stepId }: StepPlan): Promise<never> {
    this.steps.push(stepId)
    throw makeError(engineErrors, 'ffn_unavailable', { layerIdx: 0, timeoutMs: 1, reason: 'fake' })
  }

  stats (): ReturnType<AttentionEngine['stats']> {
    if (this.isDisposed) throw makeError(engineErrors, 'engine_disposed')
    return { numSequences: 0, numSteps: this.steps.length, framesSent: 0, framesResent: 0, bytesSent: 0, bytesReceived: 0 }
  }

  async dispose (): Promise<void> { this.isDisposed = true }
}

function setUp (create?: () => Promise<AttentionEngine>) {
  const native = new FakeEngine(['shm', 'tcp'])
  const pipelined = new FakeEngine(['tcp', 'grpc'])
  let numCreated = 0
  const engine = new AutoAttentionEngine(native, create ?? (async () => { numCreated++; return pipelined }))
  return { native, pipelined, engine, numCreated: () => numCreated }
}

describe('automatic choice of an attention engine', () => {
  it('stays native while native connectors reach every worker', async () => {
    const { native, engine, numCreated } = setUp()
    await engine.setTopology(topologyOf(1, 'shm', 'tcp'))
    expect(native.epochs).toEqual([1])
    expect(numCreated()).toBe(0)
  })

  it('moves once when gRPC is all there is, and frees the native engine', async () => {
    const { native, pipelined, engine, numCreated } = setUp()
    await Promise.all([engine.setTopology(topologyOf(1, 'grpc')), engine.setTopology(topologyOf(2, 'tcp', 'grpc'))])
    await engine.setTopology(topologyOf(3, 'tcp'))
    expect(pipelined.epochs).toEqual([1, 2, 3])
    expect(numCreated()).toBe(1)
    expect(native.isDisposed).toBe(true)
    await expect(engine.step(plan)).rejects.toMatchObject({ code: 'ffn_unavailable' })
    expect(engine.stats().numSteps).toBe(1)
    await engine.dispose()
    expect(pipelined.isDisposed).toBe(true)
  })

  it('refuses to move once a step was given: the KV cache would be lost', async () => {
    const { native, engine, numCreated } = setUp()
    await engine.setTopology(topologyOf(1, 'tcp'))
    await expect(engine.step(plan)).rejects.toMatchObject({ code: 'ffn_unavailable' })
    await expect(engine.setTopology(topologyOf(2, 'grpc'))).rejects.toMatchObject({ code: 'no_common_connector' })
    expect(numCreated()).toBe(0)
    await engine.setTopology(topologyOf(3, 'shm'))
    expect(native.epochs).toEqual([1, 3])
  })

  it('does not move for a worker that the pipelined engine cannot reach either', async () => {
    const { native, engine, numCreated } = setUp()
    await expect(engine.setTopology(topologyOf(1, 'grpc', 'loopback'))).rejects.toMatchObject({ code: 'no_common_connector' })
    expect([numCreated(), native.isDisposed]).toEqual([0, false])
  })

  it('answers while it moves, and ends what waits when it is disposed', async () => {
    let finish: (engine: AttentionEngine) => void = () => {}
    const { pipelined, engine } = setUp(() => new Promise(resolve => { finish = resolve }))
    const moving = engine.setTopology(topologyOf(1, 'grpc'))
    await new Promise(resolve => { setImmediate(resolve) })
    expect(engine.stats().numSteps).toBe(0)
    const step = engine.step(plan)
    const disposed = engine.dispose()
    finish(pipelined)
    await expect(moving).rejects.toMatchObject({ code: 'engine_disposed' })
    await expect(step).rejects.toMatchObject({ code: 'engine_disposed' })
    await disposed
    expect(pipelined).toMatchObject({ isDisposed: true, steps: [], epochs: [] })
  })

  it('keeps failing with the reason when the pipelined engine cannot be made', async () => {
    const { engine } = setUp(async () => { throw new Error('no memory') })
    await expect(engine.setTopology(topologyOf(1, 'grpc'))).rejects.toThrow('no memory')
    await expect(engine.step(plan)).rejects.toThrow('no memory')
    expect(engine.stats().numSteps).toBe(0)
    await engine.dispose()
  })
})
