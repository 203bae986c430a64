import { NUM_VIRTUAL_SHARDS, shardRangeOf, subtreeRoots, type FfnSplit } from '@tandem/core'
import { combinePartials, createReferenceFfnBackend, type FfnBackend } from '@tandem/engine'
import { bytesOfTensor, ffnTensorRefs, type Model } from '@tandem/model'
import { describe, expect, it } from 'vitest'
import { randomFloats } from './float-matrix.js'
import { openGoldenModel } from './golden-models.js'

interface Input { readonly hidden: Float32Array, readonly topkIds: Uint16Array, readonly topkWeights: Float32Array }

function inputOf (model: Model, layerIdx: number, numTokens: number): Input {
  const hidden = randomFloats(numTokens * model.config.hiddenSize, 5)
  const ffn = model.config.ffn[layerIdx]!
  if (ffn.kind === 'dense') return { hidden, topkIds: new Uint16Array(0), topkWeights: new Float32Array(0) }
  const { topK } = ffn.router
  return {
    hidden,
    topkIds: Uint16Array.from({ length: numTokens * topK }, (_, i) => (Math.floor(i / topK) + i % topK * 3) % ffn.numExperts),
    topkWeights: randomFloats(numTokens * topK, 6)
  }
}

/** Every layer's output with the shards spread over `numWorkers` workers. */
async function outputsOf (model: Model, split: FfnSplit, numWorkers: number): Promise<Float32Array[]> {
  const workers: FfnBackend[] = []
  for (let rank = 0; rank < numWorkers; rank++) {
    const ffn = createReferenceFfnBackend(model)
    await ffn.load(shardRangeOf(rank, numWorkers), split)
    workers.push(ffn)
  }
  return model.config.ffn.map((_, layerIdx) => {
    const { hidden, topkIds, topkWeights } = inputOf(model, layerIdx, 5)
    const ranges = workers.map((_, rank) => shardRangeOf(rank, numWorkers))
    return combinePartials(ranges.flatMap(subtreeRoots), workers.flatMap((ffn, rank) => {
      return ffn.run(layerIdx, ranges[rank]!, split, hidden, topkIds, topkWeights)
    }))
  })
}

// Few experts leave shards empty (6 over 8); 112 / 4 = 28 units do not divide by 8; fp8 and GGUF slices are whole blocks of 32.
describe.each(['llama-bf16', 'qwen3-moe-bf16', 'deepseek-v3-bf16', 'step3-bf16', 'step3-fp8', 'gguf-qwen3moe'])('%s', name => {
  it.each(['ep', 'tp'] as const)('gives the same bits from 1, 2, 3, 4 and 8 workers split by %s', async split => {
    const model = await openGoldenModel(name)
    const alone = await outputsOf(model, split, 1)
    for (const numWorkers of [2, 3, 4, 8]) expect(await outputsOf(model, split, numWorkers)).toEqual(alone)
  })

  it('computes the same sums by ep and tp up to rounding', async () => {
    const model = await openGoldenModel(name)
    const [ep, tp] = [await outputsOf(model, 'ep', 1), await outputsOf(model, 'tp', 1)]
    ep.forEach((output, layerIdx) => output.forEach((value, i) => expect(tp[layerIdx]![i]).toBeCloseTo(value, 4)))
  })

  it('gives a token the same bits alone and in a batch', async () => {
    const model = await openGoldenModel(name)
    const ffn = createReferenceFfnBackend(model)
    const all = { start: 0, end: NUM_VIRTUAL_SHARDS }
    await ffn.load(all, 'ep')
    const { hiddenSize, numLayers } = model.config
    const { hidden, topkIds, topkWeights } = inputOf(model, numLayers - 1, 5)
    const topK = topkIds.length / 5
    const [batch] = ffn.run(numLayers - 1, all, 'ep', hidden, topkIds, topkWeights)
    for (let token = 0; token < 5; token++) {
      const [alone] = ffn.run(
        numLayers - 1, all, 'ep', hidden.slice(token * hiddenSize, (token + 1) * hiddenSize),
        topkIds.slice(token * topK, (token + 1) * topK), topkWeights.slice(token * topK, (token + 1) * topK)
      )
      expect(alone).toEqual(batch!.subarray(token * hiddenSize, (token + 1) * hiddenSize))
    }
  })
})

describe('load and keepOnly', () => {
  it('hold each byte of the FFN side once over all ranks', async () => {
    const model = await openGoldenModel('deepseek-v3-bf16')
    const total = ffnTensorRefs(model).reduce((sum, ref) => sum + bytesOfTensor(ref), 0)
    for (const split of ['ep', 'tp'] as const) {
      let held = 0
      for (let rank = 0; rank < 3; rank++) {
        const ffn = createReferenceFfnBackend(model)
        await ffn.load(shardRangeOf(rank, 3), split)
        expect(ffn.weightBytes).toBeLessThan(total / 2)
        held += ffn.weightBytes
      }
      expect(held).toBe(total)
    }
  })

  it('keep what is loaded, report progress over what is missing, and drop the rest', async () => {
    const ffn = createReferenceFfnBackend(await openGoldenModel('qwen3-moe-bf16'))
    await ffn.load({ start: 2, end: 5 }, 'ep')
    const before = ffn.weightBytes
    const progress: number[][] = []
    await ffn.load({ start: 2, end: 6 }, 'ep', (done, total) => progress.push([done, total]))
    const [done, total] = progress.at(-1)!
    expect(done).toBe(total)
    expect(ffn.weightBytes - before).toBe(total)
    ffn.keepOnly([{ shards: { start: 5, end: 6 }, split: 'ep' }])
    expect(ffn.weightBytes).toBe(total)
  })

  it('refuse to run a shard that is not held', async () => {
    const model = await openGoldenModel('llama-bf16')
    const ffn = createReferenceFfnBackend(model)
    await ffn.load({ start: 0, end: 4 }, 'ep')
    const { hidden, topkIds, topkWeights } = inputOf(model, 0, 1)
    expect(() => ffn.run(0, { start: 4, end: 8 }, 'ep', hidden, topkIds, topkWeights)).toThrow('shard 4 is not loaded')
    ffn.dispose()
    expect(ffn.weightBytes).toBe(0)
  })
})
