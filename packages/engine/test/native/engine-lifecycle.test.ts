// Loading, refusing to load, the step queue, disposal.
import { readdirSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { withBackendFallback } from '@tandem/engine'
import { openGoldenModel } from '../reference/golden-models.js'
import { generate, newSequence, prompts, skipReason, startAttention, startCluster, startFfn } from './engine-support/cluster.js'

const emptyPlan = { stepId: 1, removedSeqIds: [], newSequences: [], scheduled: [], ffnInstanceOfUbatch: [] }

describe.skipIf(skipReason !== null)('native engine', () => {
  it('names the tensor it cannot load', async () => {
    const model = await openGoldenModel('llama-bf16')
    const [first, ...rest] = model.attention.layers
    const attnNorm = { ...first!.attnNorm, shape: [3] }
    const broken = { ...model, attention: { ...model.attention, layers: [{ ...first!, attnNorm }, ...rest] } }
    await expect(startAttention(broken, 'cpu', 'auto')).rejects.toMatchObject({ code: 'tensor_unsupported', facts: { tensor: attnNorm.name } })

    const layer = model.ffn.layers[0]!
    if (layer.kind !== 'dense') throw new Error('the first layer is dense')
    const down = { ...layer.down, byteLength: 2 ** 40 }
    const ffn = await startFfn({ ...model, ffn: { layers: [{ ...layer, down }, ...model.ffn.layers.slice(1)] } }, 'cpu', 'loopback')
    const assignment = { epoch: 1, instanceIdx: 0, rank: 0, size: 1, split: 'tp', shards: { start: 0, end: 8 } } as const
    await expect(ffn.assign(assignment)).rejects.toMatchObject({ code: 'weights_unreadable', facts: { tensor: down.name } })
    await ffn.dispose()
  })

  it('leaves a model it does not support to the reference under auto, and says so', async () => {
    const model = await openGoldenModel('gguf-llama')
    const [first, ...rest] = model.attention.layers
    const stored = model.attention.tokenEmbd
    expect(stored.dtype).toMatch(/^Q/)
    // A norm stored in blocks: no converter writes one, but the reference reads it.
    const attnNorm = { ...stored, shape: [stored.shape[1]!], byteLength: stored.byteLength / stored.shape[0]! }
    const unusual = { ...model, attention: { ...model.attention, layers: [{ ...first!, attnNorm }, ...rest] } }
    const refusals: string[] = []
    const { engine } = await withBackendFallback('auto', {
      create: (_resolved, refused) => startAttention(unusual, 'auto', 'auto', { refused }),
      onRefusal: (backend, { code }) => { refusals.push(`${backend}: ${code}`) }
    })
    expect(refusals).toEqual(['cpu: tensor_unsupported'])
    expect(engine.info).toMatchObject({ backend: 'reference', reason: expect.stringContaining(`no cpu: tensor ${stored.name}`) as string })
    await engine.dispose()
  })

  it('refuses a KV pool that the machine cannot hold, with the sizes', async () => {
    const model = await openGoldenModel('llama-bf16')
    const error: unknown = await startAttention(model, 'cpu', 'auto', { kvBlocks: 2 ** 40 }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'kv_pool_too_large', facts: { numBlocks: 2 ** 40 } })
    expect((error as Error).message).toMatch(/needs \d+ bytes, \d+ are available/)
    await expect(startAttention(model, 'cpu', 'auto', { kvDtype: 'int4' as never })).rejects.toMatchObject({ code: 'kv_dtype_unsupported' })
  })

  it('reports its weights and loads with progress', async () => {
    const model = await openGoldenModel('gguf-llama')
    const seen: number[] = []
    const { engine } = await startAttention(model, 'cpu', 'auto', { onProgress: doneBytes => { seen.push(doneBytes) } })
    expect(engine.info).toMatchObject({ backend: 'cpu' })
    expect(engine.info.weightBytes).toBeGreaterThan(0)
    await vi.waitFor(() => { expect(seen.length).toBeGreaterThan(model.config.numLayers) })
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    await engine.dispose()
  })

  it('holds two plans and refuses a third', async () => {
    const cluster = await startCluster(await openGoldenModel('gguf-llama'))
    const steps = [cluster.engine.step(emptyPlan), cluster.engine.step({ ...emptyPlan, stepId: 2 }), cluster.engine.step({ ...emptyPlan, stepId: 3 })]
    const outcomes = await Promise.allSettled(steps)
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(2)
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'step_queue_full' })
    await cluster.close()
  })

  it('rejects a plan that contradicts what it knows, and goes on', async () => {
    const model = await openGoldenModel('gguf-llama')
    const cluster = await startCluster(model)
    const line = { seqId: 9, numComputedTokens: 0, numScheduledTokens: 1, ubatchIdx: 0, newBlockIds: [] }
    await expect(cluster.engine.step({ ...emptyPlan, scheduled: [line] })).rejects.toMatchObject({ code: 'plan_invalid', facts: { stepId: 1 } })
    const sequence = newSequence(0, [1, 2, model.config.vocabSize], 4)
    await expect(cluster.engine.step({ ...emptyPlan, newSequences: [sequence] })).rejects.toMatchObject({ code: 'plan_invalid' })
    expect((await generate(cluster.engine, [newSequence(0, [1, 2, 3], 4)])).sampled).toHaveLength(4)
    await cluster.close()
  })

  it('ends sequences as the reference does: stop tokens, length, model length', async () => {
    const model = await openGoldenModel('llama-bf16')
    const free = await startCluster(model)
    const [tokenIds] = prompts(1, model.config.vocabSize)
    const output = (await generate(free.engine, [newSequence(0, tokenIds!, 6)])).outputs.get(0)!
    const stopped = await generate(free.engine, [newSequence(0, tokenIds!, 6, { stopTokenIds: [output[3]!] })])
    const stopAt = output.indexOf(output[3]!)
    expect(stopped.sampled.at(-1)).toMatchObject({ tokenId: output[3], finishReason: 'stop' })
    expect(stopped.sampled).toHaveLength(stopAt + 1)
    await free.close()
    const short = await startCluster(model, { options: { maxModelLen: tokenIds!.length + 2 } })
    expect((await generate(short.engine, [newSequence(0, tokenIds!, 6)])).sampled.map(({ finishReason }) => finishReason)).toEqual([undefined, 'length'])
    await short.close()
  })

  it('samples as the reference does', async () => {
    const model = await openGoldenModel('llama-bf16')
    const sampling = [
      { temperature: 0.8, seed: 7 }, { temperature: 1.3, topK: 12, seed: -5 }, { temperature: 1, topP: 0.7, seed: 2 ** 40 + 3 },
      { temperature: 1, minP: 0.05, topK: 30, topP: 0.9, seed: 11 }, { repetitionPenalty: 1.4, presencePenalty: 0.5, frequencyPenalty: 0.2 },
      { logitBias: [[5, 4], [6, -3]] as const }
    ]
    const sequences = prompts(sampling.length, model.config.vocabSize)
      .map((tokenIds, i) => newSequence(i, tokenIds, 12, { ...sampling[i], logprobs: 3 }))
    const outputs: Array<Awaited<ReturnType<typeof generate>>> = []
    for (const backend of ['cpu', 'reference'] as const) {
      const cluster = await startCluster(model, { attention: backend, ffn: backend, connector: backend === 'cpu' ? 'loopback' : 'tcp' })
      outputs.push(await generate(cluster.engine, sequences))
      await cluster.close()
    }
    expect(outputs[0]!.outputs).toEqual(outputs[1]!.outputs)
    outputs[0]!.sampled.forEach(({ logprobs }, i) => {
      const other = outputs[1]!.sampled[i]!.logprobs!
      expect(logprobs!.rank).toBe(other.rank)
      expect(logprobs!.top.map(({ tokenId }) => tokenId)).toEqual(other.top.map(({ tokenId }) => tokenId))
    })
  })

  it('is gone after dispose, and leaves no thread, descriptor or socket behind', async () => {
    const model = await openGoldenModel('gguf-llama')
    const count = (): number[] => ['/proc/self/task', '/proc/self/fd'].map(path => readdirSync(path).length)
    const once = async (connector: 'shm' | 'tcp' | 'loopback'): Promise<void> => {
      const cluster = await startCluster(model, { connector, numFfn: 2 })
      await generate(cluster.engine, [newSequence(0, [1, 2, 3], 2)])
      await cluster.close()
      await cluster.close()
      await expect(cluster.engine.step(emptyPlan)).rejects.toMatchObject({ code: 'engine_disposed' })
      expect(() => cluster.engine.stats()).toThrow('disposed')
      await expect(cluster.workers[0]!.assign({ epoch: 2, instanceIdx: 0, rank: 0, size: 1, split: 'tp', shards: { start: 0, end: 8 } }))
        .rejects.toMatchObject({ code: 'engine_disposed' })
    }
    for (const connector of ['shm', 'tcp', 'loopback'] as const) await once(connector)
    const before = count()
    for (let i = 0; i < 15; i++) await once((['shm', 'tcp', 'loopback'] as const)[i % 3]!)
    const after = count()
    after.forEach((value, i) => { expect(value).toBeLessThanOrEqual(before[i]! + 2) })
  })
})
