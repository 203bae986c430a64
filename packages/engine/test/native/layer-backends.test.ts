// The native arithmetic behind the layer-level contract: what it holds, what it refuses, and that each golden model gives the bits of
// the native engine when TypeScript runs its layers one by one over gRPC.
import { readdirSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { shardRangeOf, subtreeRoots } from '@tandem/core'
import type { Ubatch } from '../../src/backend.js'
import { createNativeAttentionBackend } from '../../src/native/native-attention-backend.js'
import { createNativeFfnBackend } from '../../src/native/native-ffn-backend.js'
import { combinePartials } from '../../src/reference/combine-partials.js'
import { openGoldenModel } from '../reference/golden-models.js'
import { addon, generate, newSequence, prompts, skipReason, startAttention, startCluster } from './engine-support/cluster.js'

const modelNames = readdirSync(new URL('../../../../test/golden/models', import.meta.url)).sort()
const all = { start: 0, end: 8 }
const settings = { numBlocks: 8, blockSize: 16, maxModelLen: 64, kvDtype: 'f32', numThreads: 2 } as const

function ubatchOf (tokenIds: readonly number[], startPosition = 0, blockIds: readonly number[] = [5, 2]): Ubatch {
  return {
    tokenIds: Int32Array.from(tokenIds),
    sequences: [{ firstRow: 0, numTokens: tokenIds.length, startPosition, blockTable: Int32Array.from(blockIds) }]
  }
}

describe.skipIf(skipReason !== null)('native layers under the pipelined engine', () => {
  it.each(modelNames)('give the bits of the native engine on %s', async name => {
    const model = await openGoldenModel(name)
    const sequences = prompts(4, model.config.vocabSize).map((tokenIds, i) => newSequence(i, tokenIds, 5, { promptLogprobs: 1, logprobs: 3 }))
    const [native, layered] = [await startCluster(model), await startCluster(model, { connector: 'grpc', numFfn: 2 })]
    expect(layered.engine.info).toEqual(native.engine.info)
    expect(layered.engine.kvCache).toEqual(native.engine.kvCache)
    expect(await generate(layered.engine, sequences, 2, 7)).toEqual(await generate(native.engine, sequences, 2, 7))
    await native.close()
    await layered.close()
  })

  it.each(['bf16', 'fp8_e4m3'] as const)('give the bits of the native engine with %s activations, sampling and an f16 cache', async activationDtype => {
    const model = await openGoldenModel('gguf-qwen3moe')
    const sequences = prompts(4, model.config.vocabSize)
      .map((tokenIds, seed) => newSequence(seed, tokenIds, 8, { temperature: 0.9, topP: 0.9, repetitionPenalty: 1.2, seed, logprobs: 2 }))
    const outputs = []
    for (const connector of ['shm', 'grpc'] as const) {
      const cluster = await startCluster(model, { connector, numFfn: 2, split: 'ep', options: { activationDtype, kvDtype: 'f16' } })
      outputs.push(await generate(cluster.engine, sequences, 2))
      await cluster.close()
    }
    expect(outputs[1]).toEqual(outputs[0])
  })
})

describe.skipIf(skipReason !== null)('native attention backend', () => {
  it('loads with progress and holds what the engine holds', async () => {
    const model = await openGoldenModel('gguf-llama')
    const seen: number[] = []
    const backend = await createNativeAttentionBackend(addon, model, { ...settings, onProgress: doneBytes => { seen.push(doneBytes) } })
    const { engine } = await startAttention(model, 'cpu', 'tcp', { kvBlocks: settings.numBlocks })
    expect([backend.weightBytes, backend.kvCacheBytes]).toEqual([engine.info.weightBytes, engine.kvCache.bytes])
    await vi.waitFor(() => { expect(seen.length).toBeGreaterThan(model.config.numLayers) })
    await engine.dispose()
    backend.dispose()
    backend.dispose()
    expect(() => backend.embed(ubatchOf([1]))).toThrow('disposed')
  })

  it('names what it cannot load', async () => {
    const model = await openGoldenModel('llama-bf16')
    const [first, ...rest] = model.attention.layers
    const attnNorm = { ...first!.attnNorm, shape: [3] }
    const broken = { ...model, attention: { ...model.attention, layers: [{ ...first!, attnNorm }, ...rest] } }
    await expect(createNativeAttentionBackend(addon, broken, settings)).rejects.toMatchObject({ code: 'tensor_unsupported', facts: { tensor: attnNorm.name } })
    await expect(createNativeAttentionBackend(addon, model, { ...settings, kvDtype: 'int4' as never })).rejects.toMatchObject({ code: 'kv_dtype_unsupported' })
    await expect(createNativeAttentionBackend(addon, model, { ...settings, numBlocks: 2 ** 40 })).rejects.toMatchObject({ code: 'kv_pool_too_large' })
  })

  it('turns no number into an address that it has not checked', async () => {
    const model = await openGoldenModel('llama-bf16')
    const backend = await createNativeAttentionBackend(addon, model, settings)
    expect(() => backend.embed(ubatchOf([model.config.vocabSize]))).toThrow('token ids are below')
    expect(() => backend.embed(ubatchOf([-1]))).toThrow('token ids are below')
    expect(() => backend.embed(ubatchOf([1], 0, [8]))).toThrow('block ids are below 8')
    expect(() => backend.embed(ubatchOf([1], 32))).toThrow('the block table ends before position 32')
    expect(() => backend.embed(ubatchOf([1], 64, [0, 1, 2, 3, 4]))).toThrow('position 64 is beyond 64')
    expect(() => backend.embed({ ...ubatchOf([1]), tokenIds: new Int32Array(2) })).toThrow('every row belongs to a sequence')
    const ubatch = ubatchOf([1, 2])
    expect(() => backend.attend(0, ubatch, new Float32Array(2 * model.config.hiddenSize))).toThrow('embedded before')
    const residual = backend.embed(ubatch)
    expect(() => backend.attend(model.config.numLayers, ubatch, residual)).toThrow('does not exist')
    expect(() => backend.attend(0, ubatch, residual.subarray(1))).toThrow('one row per token')
    expect(() => backend.logits(residual, [2])).toThrow('rows are below 2')
    backend.dispose()
  })

  it('takes the residual stream it is given', async () => {
    const model = await openGoldenModel('llama-bf16')
    const backend = await createNativeAttentionBackend(addon, model, settings)
    const ubatch = ubatchOf([1, 2, 3])
    const first = backend.embed(ubatch)
    const zeros = new Float32Array(first.length)
    backend.attend(0, ubatch, zeros)
    expect(zeros).toEqual(new Float32Array(first.length)) // Attention over nothing adds nothing.
    const { hidden, topkIds } = backend.attend(0, ubatch, first)
    expect(hidden.some(value => value !== 0)).toBe(true)
    expect(topkIds).toHaveLength(0)
    const [alone] = backend.logits(first, [2])
    expect(backend.logits(first, [0, 2])[1]).toEqual(alone)
    backend.dispose()
  })
})

describe.skipIf(skipReason !== null)('native FFN backend', () => {
  it.each(['ep', 'tp'] as const)('splits by %s into partial sums that make the whole', async split => {
    const model = await openGoldenModel('gguf-qwen3moe')
    const { hiddenSize, numLayers, ffn } = model.config
    const lastFfn = ffn.at(-1)!
    if (lastFfn.kind !== 'moe') throw new Error('the last layer has experts')
    const { numExperts, router: { topK } } = lastFfn
    const hidden = Float32Array.from({ length: 3 * hiddenSize }, (_, i) => Math.sin(i))
    const topkIds = Uint16Array.from({ length: 3 * topK }, (_, i) => (i * 2 + 1) % numExperts)
    const topkWeights = Float32Array.from({ length: 3 * topK }, (_, i) => 0.3 + i / 10)
    const backend = createNativeFfnBackend(addon, model, { numThreads: 2 })
    const [whole] = await backend.load(all, split).then(() => backend.run(numLayers - 1, all, split, hidden, topkIds, topkWeights))
    const ranges = [0, 1, 2].map(rank => shardRangeOf(rank, 3))
    for (const range of ranges) await backend.load(range, split)
    const partials = ranges.flatMap(range => backend.run(numLayers - 1, range, split, hidden, topkIds, topkWeights))
    expect(combinePartials(ranges.flatMap(subtreeRoots), partials)).toEqual(whole)
    expect(() => backend.run(0, all, split, hidden, topkIds.subarray(1), topkWeights)).toThrow('choices of an expert')
    backend.dispose()
  })

  it('keeps what is loaded and drops the rest', async () => {
    const model = await openGoldenModel('llama-bf16')
    const backend = createNativeFfnBackend(addon, model, { numThreads: 1 })
    expect(backend.weightBytes).toBe(0)
    const progress: number[] = []
    await backend.load({ start: 0, end: 4 }, 'tp', doneBytes => { progress.push(doneBytes) })
    await vi.waitFor(() => { expect(progress.length).toBeGreaterThan(0) })
    const half = backend.weightBytes
    await backend.load({ start: 0, end: 4 }, 'tp')
    expect(backend.weightBytes).toBe(half)
    await backend.load(all, 'tp')
    backend.keepOnly([{ shards: all, split: 'tp' }])
    expect(backend.weightBytes).toBeGreaterThan(1.5 * half)
    const hidden = new Float32Array(model.config.hiddenSize)
    const none = [new Uint16Array(0), new Float32Array(0)] as const
    expect(() => backend.run(0, { start: 0, end: 4 }, 'tp', hidden, ...none)).toThrow('is not loaded under split tp')
    expect(backend.run(0, all, 'tp', hidden, ...none)).toEqual([hidden])
    backend.keepOnly([])
    expect(backend.weightBytes).toBe(0)
    backend.dispose()
    expect(() => { backend.keepOnly([]) }).toThrow('disposed')
  })
})
