// The engines of the factory on a real checkpoint: both sides over every connector, and in one process.
import { afterEach, describe, expect, it } from 'vitest'
import type { ActivationDtype, FfnSplit } from '@tandem/core'
import { choose, chooseComputeDtype, createAttentionEngine, createColocatedEngine, createFfnEngine, placeBy, placeProcess, resolveBackend } from '../src/factory.js'
import { referenceProvider } from '../src/pipeline/reference-provider.js'
import type { EngineProvider } from '../src/provider.js'
import type { AttentionEngineOptions, FfnEngineOptions, ProcessPlacement } from '../src/types.js'
import { generate, newSequence, singleInstance } from './pipeline/support/cluster.js'
import { openGoldenModel } from './reference/golden-models.js'

const toDispose: Array<{ dispose (): Promise<void> }> = []
afterEach(async () => { await Promise.all(toDispose.splice(0).map(engine => engine.dispose())) })

const sequences = [[1, 5, 9, 2, 7], [3, 3, 8], [11, 4, 6, 1, 2, 9, 5]].map((tokenIds, i) => newSequence(i, tokenIds, 6))

async function attentionOptions (name: string, changes: Partial<AttentionEngineOptions> = {}): Promise<AttentionEngineOptions> {
  return {
    model: await openGoldenModel(name),
    backend: 'reference',
    kvBlocks: 32,
    blockSize: 4,
    kvDtype: 'auto',
    maxModelLen: 64,
    activationDtype: 'f32',
    connector: 'tcp',
    clusterToken: 'secret',
    ffnTimeoutMs: 20_000,
    numThreads: 0,
    workerNumber: 1,
    onPeerDown: () => {},
    ...changes
  }
}

async function ffnOptions (name: string, changes: Partial<FfnEngineOptions> = {}): Promise<FfnEngineOptions> {
  return {
    model: await openGoldenModel(name),
    backend: 'reference',
    connector: 'tcp',
    host: '127.0.0.1',
    port: 0,
    advertiseHost: '127.0.0.1',
    clusterToken: 'secret',
    numThreads: 0,
    maxQueuedFrames: 64,
    ...changes
  }
}

interface Shape { readonly numFfn: number, readonly numUbatches?: number, readonly connector?: 'tcp' | 'grpc', readonly activationDtype?: ActivationDtype, readonly chunk?: number }

async function separate (name: string, split: FfnSplit, { numFfn, numUbatches = 1, connector = 'tcp', activationDtype = 'f32', chunk = 100 }: Shape) {
  const engine = await createAttentionEngine(await attentionOptions(name, { connector, activationDtype }))
  const ffn = await Promise.all(Array.from({ length: numFfn }, async (_, i) => {
    return { workerId: `f${i}`, engine: await createFfnEngine(await ffnOptions(name, { connector })) }
  }))
  toDispose.push(engine, ...ffn.map(worker => worker.engine))
  await engine.setTopology(await singleInstance(1, split, ffn))
  return await generate(engine, sequences, numUbatches, chunk)
}

async function colocated (name: string, split: FfnSplit, activationDtype: ActivationDtype = 'f32') {
  const engine = await createColocatedEngine(await attentionOptions(name, { activationDtype }), { split, maxQueuedFrames: 64 })
  toDispose.push(engine)
  return await generate(engine, sequences)
}

describe.each([['llama-bf16', 'ep'], ['deepseek-v3-f32', 'ep'], ['step3-bf16', 'tp'], ['gguf-qwen3moe', 'ep']] as const)('%s, split by %s', (name, split) => {
  it('gives the same tokens whoever computes what', async () => {
    const expected = await colocated(name, split)
    expect(await separate(name, split, { numFfn: 1 })).toEqual(expected)
    expect(await separate(name, split, { numFfn: 2, numUbatches: 3 })).toEqual(expected)
    expect(await separate(name, split, { numFfn: 3, numUbatches: 2, chunk: 2, connector: 'grpc' })).toEqual(expected)
  })
})

it.each(['bf16', 'fp8_e4m3'] as const)('gives the same tokens on any topology with activations in %s', async activationDtype => {
  const expected = await colocated('qwen3-moe-bf16', 'ep', activationDtype)
  expect(await separate('qwen3-moe-bf16', 'ep', { numFfn: 3, numUbatches: 2, activationDtype })).toEqual(expected)
})

describe('what each side holds', () => {
  it('is its own half', async () => {
    const attention = await createAttentionEngine(await attentionOptions('llama-bf16'))
    const ffn = await createFfnEngine(await ffnOptions('llama-bf16'))
    const both = await createColocatedEngine(await attentionOptions('llama-bf16'), { split: 'ep', maxQueuedFrames: 8 })
    toDispose.push(attention, ffn, both)
    expect(ffn.info.weightBytes).toBe(0)
    await singleInstance(1, 'ep', [{ workerId: 'f', engine: ffn }])
    expect(ffn.info.weightBytes).toBeGreaterThan(0)
    expect(both.info.weightBytes).toBe(attention.info.weightBytes + ffn.info.weightBytes)
    expect(attention.kvCache).toMatchObject({ numBlocks: 32, blockSize: 4, dtype: 'f32' })
  })
})

describe('choice of a backend', () => {
  const broken: EngineProvider = { ...referenceProvider, backend: 'cpu', probe: () => ({ isAvailable: false, reason: 'no compiler when installed' }) }
  const built: EngineProvider = { ...referenceProvider, backend: 'cpu', probe: () => ({ isAvailable: true, reason: 'addon built' }) }

  it('takes the first one that can be used and says why', () => {
    expect(choose('auto', [built, referenceProvider])).toEqual({ provider: built, reason: 'addon built' })
    expect(choose('auto', [broken, referenceProvider])).toEqual({
      provider: referenceProvider, reason: 'TypeScript, float32; no cpu: no compiler when installed'
    })
  })

  it('passes over those that refused the model', () => {
    const refused = [{ backend: 'cpu', reason: 'tensor x: a float vector was expected' }] as const
    expect(choose('auto', [built, referenceProvider], refused)).toEqual({
      provider: referenceProvider, reason: 'TypeScript, float32; no cpu: tensor x: a float vector was expected'
    })
  })

  it('does not replace one that was asked for', () => {
    expect(() => choose('cpu', [broken, referenceProvider])).toThrow(expect.objectContaining({ code: 'backend_unavailable' }))
    expect(() => choose('cuda', [built, referenceProvider])).toThrow('this build does not have it')
    expect(resolveBackend('reference')).toEqual({ backend: 'reference', reason: 'TypeScript, float32', kvDtype: 'f32' })
  })

  it('refuses what the reference backend does not have', async () => {
    await expect(createAttentionEngine(await attentionOptions('llama-bf16', { kvDtype: 'fp8' }))).rejects.toMatchObject({ code: 'kv_dtype_unsupported' })
    await expect(createAttentionEngine(await attentionOptions('llama-bf16', { connector: 'shm' }))).rejects.toMatchObject({ code: 'connector_unavailable' })
  })
})

it('offers every connector it has, on consecutive ports when one is given', async () => {
  const probe = await createFfnEngine(await ffnOptions('llama-bf16', { connector: 'auto' }))
  expect(probe.endpoints.map(({ connector }) => connector)).toEqual(['tcp', 'grpc'])
  const port = Number(probe.endpoints[0]!.address.split(':')[1])
  await probe.dispose()
  const engine = await createFfnEngine(await ffnOptions('llama-bf16', { connector: 'tcp', port }))
  toDispose.push(engine)
  expect(engine.endpoints).toEqual([{ connector: 'tcp', address: `127.0.0.1:${port}` }])
  await expect(createFfnEngine(await ffnOptions('llama-bf16', { connector: 'tcp', port }))).rejects.toMatchObject({ code: 'listen_failed' })
})

describe('placement of the process', () => {
  const placing = (answer: ProcessPlacement | null): EngineProvider => ({ ...referenceProvider, placeProcess: () => answer })

  it('is nothing for a backend without threads', () => {
    expect(placeProcess('reference', { numaNode: [7], numThreads: 4 })).toBeNull()
  })

  it('is what the backend says, and refuses nodes it has not', () => {
    const placement = { numThreads: 32, numCpus: 64, numaNodes: [1] }
    expect(placeBy(placing(placement), { numaNode: 'auto', numThreads: 0 })).toEqual(placement)
    expect(() => placeBy(placing(null), { numaNode: [0, 9], numThreads: 0 })).toThrow('NUMA node 0,9 does not exist here')
  })
})

describe('the compute dtype', () => {
  const computing = (answer: boolean): EngineProvider => ({ ...referenceProvider, setComputeDtype: () => answer })

  it('is chosen where the machine has it', () => {
    chooseComputeDtype('reference', 'bf16', [computing(true)])
    chooseComputeDtype('reference', 'auto', [computing(false)])
  })

  it('is refused with the reason where it has not', () => {
    expect(() => { chooseComputeDtype('reference', 'bf16', [computing(false)]) })
      .toThrow('backend reference cannot compute in bf16 here: that takes a CPU with AMX')
    expect(() => { chooseComputeDtype('reference', 'int8') }).toThrow('backend reference cannot compute in int8 here: it does not round activations')
  })
})
