// The native backend over gRPC, where TypeScript runs its layers one by one, against the native engines over shm: a whole cluster gives
// the same tokens, sampled ones included.
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { isTandemError } from '@tandem/core'
import { resolveBackend } from '@tandem/engine'
import { InProcessCluster } from '../support/in-process-cluster.js'
import type { ClusterShape } from '../support/in-process-cluster.js'

const models = fileURLToPath(new URL('../golden/models/', import.meta.url))
const maxTokens = 16
const prompts = Array.from({ length: 6 }, (_, user) => Array.from({ length: 4 + user * 9 }, (_, i) => (user * 31 + i * 7 + 1) % 120))
const sampling = [{}, { temperature: 1, topP: 0.95, seed: 1234 }]

const skipReason = reasonToSkip()
if (skipReason !== null) console.log(`the native backend over gRPC is not simulated: ${skipReason}`)

function reasonToSkip (): string | null {
  try {
    resolveBackend('cpu')
    return null
  } catch (error) {
    if (isTandemError(error)) return error.message
    throw error
  }
}

let cluster: InProcessCluster | undefined
afterEach(async () => { await cluster?.close(); cluster = undefined })

/** Output tokens of every user, all at once. */
async function tokensOf (shape: Omit<ClusterShape, 'backend'>): Promise<ReadonlyArray<readonly number[]>> {
  cluster = await InProcessCluster.start({ backend: 'cpu', ...shape })
  const { client } = cluster
  const generations = await Promise.all(prompts.map((prompt, i) => client.generate(prompt, { maxTokens, sampling: sampling[i % 2]! })))
  await cluster.close()
  cluster = undefined
  for (const { tokenIds, finishReason } of generations) expect([tokenIds.length, finishReason]).toEqual([maxTokens, 'length'])
  return generations.map(({ tokenIds }) => tokenIds)
}

describe.skipIf(skipReason !== null).each(['gguf-llama', 'qwen3-moe-bf16', 'deepseek-v3-bf16', 'step3-bf16'])('native tokens of %s', name => {
  const model = models + name

  it('are the same over shm, over gRPC and in one process', async () => {
    const expected = await tokensOf({ model, attention: 1, ffn: 2, connector: 'shm' })
    expect(await tokensOf({ model, attention: 1, ffn: 2, connector: 'grpc' })).toEqual(expected)
    expect(await tokensOf({ model, attention: 2, ffn: 3, connector: 'grpc', numUbatches: 2, maxNumBatchedTokens: 24 })).toEqual(expected)
    expect(await tokensOf({ model, attention: 1, ffn: 0 })).toEqual(expected)
  })
})

describe.skipIf(skipReason !== null)('a native attention worker that may choose', () => {
  it('falls back to gRPC for FFN workers that offer nothing else', async () => {
    const model = `${models}gguf-llama`
    const expected = await tokensOf({ model, attention: 1, ffn: 1 })
    cluster = await InProcessCluster.start({ model, backend: 'cpu', attention: 1, ffn: 2, connector: 'grpc', attentionConnector: 'auto' })
    const { tokenIds } = await cluster.client.generate(prompts[0]!, { maxTokens })
    expect(tokenIds).toEqual(expected[0])
  })
})
