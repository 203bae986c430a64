// Workers die, join and leave while sequences run; every stream still gets the tokens of an undisturbed run, once each.
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { InProcessCluster } from '../support/in-process-cluster.js'
import type { ClusterShape } from '../support/in-process-cluster.js'
import type { Generation } from '../support/token-client.js'

const model = fileURLToPath(new URL('../golden/models/qwen3-moe-bf16', import.meta.url))
const maxTokens = 48
const prompts = Array.from({ length: 6 }, (_, user) => Array.from({ length: 4 + user * 3 }, (_, i) => (user * 29 + i * 11 + 2) % 120))

let cluster: InProcessCluster | undefined
afterEach(async () => { await cluster?.close(); cluster = undefined })

let expected: Array<readonly number[]>
beforeAll(async () => {
  const undisturbed = await InProcessCluster.start({ model, attention: 1, ffn: 1 })
  const generations = await Promise.all(prompts.map(ids => undisturbed.client.generate(ids, { maxTokens })))
  await undisturbed.close()
  expected = generations.map(({ tokenIds }) => tokenIds)
})

/** Runs all prompts and `disturb`s the cluster once the first one has `after` tokens. */
async function runWith (shape: Omit<ClusterShape, 'model'>, after: number, disturb: (running: InProcessCluster) => Promise<unknown>): Promise<Generation[]> {
  const running = cluster = await InProcessCluster.start({ model, ...shape })
  let disturbance: Promise<unknown> | undefined
  const generations = await Promise.all(prompts.map((ids, user) => running.client.generate(ids, {
    maxTokens,
    ...(user === 0 ? { onToken: (count: number) => { if (count >= after) disturbance ??= disturb(running) } } : {})
  })))
  expect(disturbance, 'the disturbance never happened').toBeDefined()
  await disturbance
  return generations
}

function expectUndisturbed (generations: Generation[]): void {
  expect(generations.map(({ finishReason, errorCode }) => errorCode ?? finishReason)).toEqual(prompts.map(() => 'length'))
  expect(generations.map(({ numTerminalEvents }) => numTerminalEvents)).toEqual(prompts.map(() => 1))
  expect(generations.map(({ tokenIds }) => tokenIds)).toEqual(expected)
}

describe('streams survive', () => {
  it.each([3, 17, 30])('the death of an ffn worker of a sharded instance after %i tokens', async after => {
    expectUndisturbed(await runWith({ attention: 1, ffn: 2 }, after, running => running.kill(running.ffnWorkers[1]!)))
  })

  it('the death of a replica', async () => {
    expectUndisturbed(await runWith({ attention: 2, ffn: 2, ffnInstanceSize: 1 }, 10, running => running.kill(running.ffnWorkers[0]!)))
  })

  it.each([3, 17, 30])('the death of an attention worker after %i tokens', async after => {
    expectUndisturbed(await runWith({ attention: 2, ffn: 1 }, after, running => running.kill(running.attentionWorkers[0]!)))
  })

  it('the death of the only attention worker, when another one comes', async () => {
    expectUndisturbed(await runWith({ attention: 1, ffn: 1 }, 10, async running => {
      await running.kill(running.attentionWorkers[0]!)
      await running.addAttentionWorker()
    }))
  })

  it('the death of the only ffn worker, when another one comes', async () => {
    expectUndisturbed(await runWith({ attention: 1, ffn: 1 }, 10, async running => {
      await running.kill(running.ffnWorkers[0]!)
      await running.addFfnWorker()
    }))
  })

  it('scaling both pools up, then draining the first members', async () => {
    expectUndisturbed(await runWith({ attention: 1, ffn: 1 }, 3, async running => {
      await running.addFfnWorker()
      await running.addAttentionWorker()
      await running.settled()
      const [attention, ffn] = [running.attentionWorkers.shift()!, running.ffnWorkers.shift()!]
      await Promise.all([attention.drain(), ffn.drain()])
    }))
  })

  it('preemption, when the KV cache is too small for all of them', async () => {
    const running = cluster = await InProcessCluster.start({ model, attention: 1, ffn: 1, kvCacheBytes: 40_960, maxModelLen: 80 })
    const status = await running.status()
    const blocksNeeded = prompts.reduce((sum, ids) => sum + Math.ceil((ids.length + maxTokens) / 16), 0)
    expect(status.workers.find(worker => worker.numKvBlocks > 0)!.numKvBlocks).toBeLessThan(blocksNeeded)
    expectUndisturbed(await Promise.all(prompts.map(ids => running.client.generate(ids, { maxTokens }))))
  })
})

describe('a client that leaves', () => {
  it('ends its own request once and gives its blocks back, while its neighbour goes on', async () => {
    const running = cluster = await InProcessCluster.start({ model, attention: 1, ffn: 1 })
    const freeBlocks = async (): Promise<number> => (await running.status()).workers.find(worker => worker.numKvBlocks > 0)!.numFreeKvBlocks
    const allFree = await freeBlocks()
    const neighbour = running.client.generate(prompts[1]!, { maxTokens })
    const leaving = await running.client.generate(prompts[0]!, {
      maxTokens: 200,
      onToken: (count, requestId) => { if (count === 5) running.client.abort(requestId) }
    })
    expect([leaving.finishReason, leaving.numTerminalEvents]).toEqual(['abort', 1])
    expect(leaving.tokenIds.length).toBeLessThan(200)
    expect((await neighbour).tokenIds).toEqual(expected[1])
    await expect.poll(freeBlocks).toBe(allFree)
  })
})
