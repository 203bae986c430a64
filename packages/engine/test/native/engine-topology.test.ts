// Same bits whatever computes them: 1, 2 and 3 FFN workers, 1 to 4 ubatches, 1 to 3 threads, any chunking, alone or among
// strangers, over loopback, shm, tcp and gRPC (where TypeScript runs the layers one by one). Compares logprobs, which carry
// every bit of the logits.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Model } from '@tandem/model'
import { openGoldenModel } from '../reference/golden-models.js'
import { addon, computeDtypes, generate, newSequence, prompts, skipReason, startCluster } from './engine-support/cluster.js'
import type { ClusterSettings, Generated } from './engine-support/cluster.js'

const MAX_TOKENS = 6

const cases = [
  ['gguf-llama', 'tp', 'int8', 'f32'], ['gguf-qwen3moe', 'ep', 'int8', 'f32'], ['gguf-qwen3moe', 'tp', 'int8', 'f32'],
  ['step3-bf16', 'ep', 'int8', 'f32'], ['deepseek-v2-lite-f32', 'ep', 'int8', 'f32'], ['gguf-llama', 'tp', 'bf16', 'f32'],
  ['gguf-qwen3moe', 'ep', 'bf16', 'f32'], ['qwen3-bf16', 'tp', 'bf16', 'bf16'], ['step3-bf16', 'ep', 'bf16', 'auto'], ['gguf-llama', 'tp', 'int8', 'int8'],
  ['deepseek-v2-lite-f32', 'ep', 'int8', 'int8']
] as const

describe.skipIf(skipReason !== null).each(
  cases.filter(([, , computeDtype]) => computeDtypes.includes(computeDtype))
)('native engine on %s, %s, computing in %s, KV cache in %s', (name, split, computeDtype, kvDtype) => {
  let model: Model
  let expected: Generated

  const run = async (settings: ClusterSettings, count = 5, numUbatches = 1, chunk = 1000): Promise<Generated> => {
    const cluster = await startCluster(model, { split, ...settings, options: { kvDtype, ...settings.options } })
    try {
      const sequences = prompts(count, model.config.vocabSize)
        .map((tokenIds, i) => newSequence(i, tokenIds, MAX_TOKENS, { promptLogprobs: 1, logprobs: 3 }))
      return sorted(await generate(cluster.engine, sequences, numUbatches, chunk))
    } finally {
      await cluster.close()
    }
  }

  beforeAll(async () => {
    addon.setComputeDtype(computeDtype)
    model = await openGoldenModel(name)
    expected = await run({})
    expect(expected.sampled.length).toBe(5 * MAX_TOKENS)
  })

  afterAll(() => { addon.setComputeDtype('int8') })

  it.each([['loopback', 2], ['shm', 1], ['shm', 2], ['shm', 3], ['tcp', 2], ['tcp', 3], ['grpc', 1], ['grpc', 3]] as const)('gives the same bits over %s with %i FFN workers', async (connector, numFfn) => {
    expect(await run({ connector, numFfn })).toEqual(expected)
  })

  it.each([2, 3, 4])('gives the same bits in %i ubatches', async numUbatches => {
    expect(await run({ connector: 'shm', numFfn: 2 }, 5, numUbatches)).toEqual(expected)
  })

  it.each([1, 3])('gives the same bits with %i threads', async numThreads => {
    expect(await run({ options: { numThreads } })).toEqual(expected)
  })

  it('gives the same bits in chunks of a prompt', async () => {
    expect(await run({}, 5, 2, 5)).toEqual(expected)
  })

  it('gives a sequence the same bits alone and among strangers', async () => {
    const alone = await run({}, 1)
    expect(alone.sampled).toEqual(expected.sampled.filter(({ seqId }) => seqId === 0))
    const among = await run({ connector: 'shm' }, 12, 3)
    expect(among.sampled.filter(({ seqId }) => seqId < 5)).toEqual(expected.sampled)
  })
})

function sorted ({ sampled, promptLogprobs, outputs }: Generated): Generated {
  interface Place { readonly seqId: number, readonly position: number }
  const order = (a: Place, b: Place): number => a.seqId - b.seqId || a.position - b.position
  return { sampled: [...sampled].sort(order), promptLogprobs: [...promptLogprobs].sort(order), outputs }
}
