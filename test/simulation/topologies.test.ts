// A request's tokens never depend on the topology, the number of ubatches or its neighbours.
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { InProcessCluster } from '../support/in-process-cluster.js'
import type { ClusterShape } from '../support/in-process-cluster.js'

const models = fileURLToPath(new URL('../golden/models/', import.meta.url))
const maxTokens = 24
const prompt = [3, 17, 42, 5, 99, 64, 7, 23, 81, 12, 50]

let cluster: InProcessCluster | undefined
afterEach(async () => { await cluster?.close(); cluster = undefined })

/** Prompts of other users: different lengths, arriving at once. */
const strangers = Array.from({ length: 15 }, (_, user) => Array.from({ length: 3 + user * 4 }, (_, i) => (user * 31 + i * 7 + 1) % 120))

async function tokensOf (shape: ClusterShape, company: 'alone' | 'crowd'): Promise<readonly number[]> {
  cluster = await InProcessCluster.start(shape)
  const others = company === 'crowd' ? strangers.map(ids => cluster!.client.generate(ids, { maxTokens })) : []
  const generation = await cluster.client.generate(prompt, { maxTokens })
  const crowd = await Promise.all(others)
  for (const other of crowd) expect([other.finishReason, other.tokenIds.length]).toEqual(['length', maxTokens])
  expect(generation.finishReason).toBe('length')
  await cluster.close()
  cluster = undefined
  return generation.tokenIds
}

const shapes: Array<Omit<ClusterShape, 'model'>> = [
  { attention: 1, ffn: 0 },
  { attention: 2, ffn: 1 },
  { attention: 1, ffn: 2 },
  { attention: 1, ffn: 2, connector: 'grpc' },
  { attention: 1, ffn: 2, ffnSplit: 'tp' },
  { attention: 3, ffn: 2 },
  { attention: 2, ffn: 3, ffnSplit: 'tp' },
  { attention: 1, ffn: 4 },
  { attention: 4, ffn: 4, ffnInstanceSize: 2 },
  { attention: 1, ffn: 1, numUbatches: 1 },
  { attention: 1, ffn: 1, numUbatches: 2 },
  { attention: 1, ffn: 1, numUbatches: 4 },
  { attention: 1, ffn: 1, maxNumBatchedTokens: 5 }
]

describe.each(['llama-bf16', 'qwen3-moe-bf16', 'deepseek-v3-bf16', 'step3-bf16'])('greedy tokens of %s', name => {
  const model = models + name
  let expected: readonly number[]

  it('are found by 1A1F, alone', async () => {
    expected = await tokensOf({ model, attention: 1, ffn: 1 }, 'alone')
    expect(expected).toHaveLength(maxTokens)
  })

  it.each(shapes)('are the same for %j, alone and among strangers', async shape => {
    expect(await tokensOf({ model, ...shape }, 'alone')).toEqual(expected)
    expect(await tokensOf({ model, ...shape }, 'crowd')).toEqual(expected)
  })
})

describe.each(['bf16', 'fp8_e4m3'] as const)('activations in %s', activationDtype => {
  it('give the same tokens on any topology', async () => {
    const model = `${models}step3-bf16`
    const expected = await tokensOf({ model, attention: 1, ffn: 1, activationDtype }, 'alone')
    expect(await tokensOf({ model, attention: 2, ffn: 3, activationDtype }, 'crowd')).toEqual(expected)
    expect(await tokensOf({ model, attention: 1, ffn: 2, activationDtype, connector: 'grpc', numUbatches: 2 }, 'crowd')).toEqual(expected)
  })
})

describe('sampled tokens', () => {
  it('depend on the seed, not on the topology or the neighbours', async () => {
    const sampling = { temperature: 1, topP: 0.95, seed: 1234 }
    const run = async (shape: Omit<ClusterShape, 'model'>, seed: number): Promise<readonly number[]> => {
      cluster = await InProcessCluster.start({ model: `${models}llama-bf16`, ...shape })
      const others = strangers.map(ids => cluster!.client.generate(ids, { maxTokens, sampling: { ...sampling, seed: seed + 1 } }))
      const { tokenIds } = await cluster.client.generate(prompt, { maxTokens, sampling: { ...sampling, seed } })
      await Promise.all(others)
      await cluster.close()
      cluster = undefined
      return tokenIds
    }
    const expected = await run({ attention: 1, ffn: 1 }, 1234)
    expect(await run({ attention: 2, ffn: 3 }, 1234)).toEqual(expected)
    expect(await run({ attention: 2, ffn: 3 }, 99)).not.toEqual(expected)
  })
})
