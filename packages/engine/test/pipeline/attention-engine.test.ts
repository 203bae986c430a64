import { afterEach, describe, expect, it } from 'vitest'
import type { FfnSplit } from '@tandem/core'
import { generate, newSequence, prompts, startCluster, TestScheduler } from './support/cluster.js'

type Cluster = Awaited<ReturnType<typeof startCluster>>
const clusters: Cluster[] = []
afterEach(async () => { await Promise.all(clusters.splice(0).map(cluster => cluster.close())) })

async function cluster (...args: Parameters<typeof startCluster>): Promise<Cluster> {
  const started = await startCluster(...args)
  clusters.push(started)
  return started
}

const sequences = prompts(6).map((tokenIds, i) => newSequence(i, tokenIds, 12))

/** Every sequence on its own, unsplit, with one FFN worker: what everything else must equal. */
async function alone (split: FfnSplit = 'ep'): Promise<Map<number, number[]>> {
  const { engine } = await cluster(1, split)
  const outputs = new Map<number, number[]>()
  let plan = 0
  for (const sequence of sequences) {
    for (const [seqId, tokens] of await generate((await cluster(1, split)).engine, [sequence])) outputs.set(seqId, tokens)
    plan++
  }
  expect(plan).toBe(sequences.length)
  expect(engine.stats().numSteps).toBe(0)
  return outputs
}

describe('results do not depend on', () => {
  it.each([1, 2, 3, 4])('the split into %i ubatches', async numUbatches => {
    const { engine } = await cluster(1)
    expect(await generate(engine, sequences, numUbatches)).toEqual(await alone())
  })

  it.each([1, 2, 5])('prefill chunks of %i tokens', async chunk => {
    const { engine } = await cluster(1)
    expect(await generate(engine, sequences, 2, chunk)).toEqual(await alone())
  })

  it.each([[2, 'ep'], [3, 'ep'], [4, 'tp'], [8, 'ep'], [5, 'tp']] as const)('the number of FFN workers: %i by %s', async (numFfn, split) => {
    const { engine } = await cluster(numFfn, split)
    expect(await generate(engine, sequences, 3)).toEqual(await alone(split))
  })
})

it('generates different text for different prompts', async () => {
  const texts = [...(await alone()).values()].map(tokens => tokens.join())
  expect(new Set(texts).size).toBeGreaterThan(3)
})

it('runs plans one ahead of their results', async () => {
  const { engine } = await cluster(2)
  const scheduler = new TestScheduler(sequences.slice(0, 1), 1)
  const first = engine.step(scheduler.next())
  const plan = (stepId: number, numComputedTokens: number) => ({
    stepId, removedSeqIds: [], newSequences: [], ffnInstanceOfUbatch: [],
    scheduled: [{ seqId: 0, numComputedTokens, numScheduledTokens: 1, ubatchIdx: 0, newBlockIds: [stepId] }]
  })
  const second = engine.step(plan(2, 3))
  await expect(engine.step(plan(3, 4))).rejects.toMatchObject({ code: 'step_queue_full' })
  const sampled = [...(await first).sampled, ...(await second).sampled].map(({ tokenId }) => tokenId)
  expect(sampled).toEqual((await alone()).get(0)!.slice(0, 2))
})
