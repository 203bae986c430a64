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

describe('the end of a sequence', () => {
  it('is reported once with its reason, and a plan made before it was known skips it', async () => {
    const { engine } = await cluster(1)
    const first = (await alone()).get(0)![0]!
    const stopping = newSequence(0, sequences[0]!.tokenIds, 12, { stopTokenIds: [first] })
    const line = { seqId: 0, numComputedTokens: 0, numScheduledTokens: 3, ubatchIdx: 0, newBlockIds: [0] }
    const base = { removedSeqIds: [], newSequences: [], ffnInstanceOfUbatch: [] }
    const results = await Promise.all([
      engine.step({ ...base, stepId: 1, newSequences: [stopping], scheduled: [line] }),
      engine.step({ ...base, stepId: 2, scheduled: [{ ...line, numComputedTokens: 3, numScheduledTokens: 1, newBlockIds: [1] }] })
    ])
    expect(results.map(({ sampled }) => sampled)).toEqual([[{ seqId: 0, position: 3, tokenId: first, finishReason: 'stop' }], []])
    expect(engine.stats().numSequences).toBe(1)
    await engine.step({ ...base, stepId: 3, removedSeqIds: [0], scheduled: [] })
    expect(engine.stats().numSequences).toBe(0)
  })

  it('comes with length', async () => {
    const { engine } = await cluster(1)
    const scheduler = new TestScheduler([newSequence(0, [4, 5], 3)], 1)
    while (!scheduler.isDone) scheduler.record((await engine.step(scheduler.next())).sampled)
    expect(scheduler.events.map(({ position, finishReason }) => [position, finishReason])).toEqual([[2, undefined], [3, undefined], [4, 'length']])
  })
})

describe('logprobs', () => {
  it('are given for every prompt token but the first, whatever the chunks', async () => {
    const prompt = Array.from({ length: 75 }, (_, i) => (i * 13 + 5) % 48)
    const scored = async (chunk: number) => {
      const { engine } = await cluster(1)
      const scheduler = new TestScheduler([newSequence(0, prompt, 1, { promptLogprobs: 2, logprobs: 0 })], 1, chunk)
      const entries = []
      while (!scheduler.isDone) {
        const result = await engine.step(scheduler.next())
        entries.push(...result.promptLogprobs)
        scheduler.record(result.sampled)
      }
      expect(scheduler.events[0]!.logprobs).toMatchObject({ tokenId: scheduler.events[0]!.tokenId, rank: 1, top: [] })
      return entries
    }
    const whole = await scored(1000)
    expect(whole.map(({ position, logprobs }) => [position, logprobs.tokenId])).toEqual(prompt.slice(1).map((tokenId, i) => [i + 1, tokenId]))
    expect(whole[0]!.logprobs.top).toHaveLength(2)
    expect(await scored(7)).toEqual(whole)
  })
})

it('continues a resumed sequence with the tokens it would have had', async () => {
  const sampling = { temperature: 0.9, seed: 77, repetitionPenalty: 1.2, presencePenalty: 0.3 }
  const { engine } = await cluster(1)
  const whole = (await generate(engine, [newSequence(0, [4, 5, 6], 10, sampling)])).get(0)!
  const resumed = { ...newSequence(1, [4, 5, 6, ...whole.slice(0, 4)], 10, sampling), numPromptTokens: 3 }
  expect((await generate((await cluster(2)).engine, [resumed], 1)).get(1)).toEqual(whole.slice(4))
})

it('refuses a plan that contradicts what it knows and goes on with the next', async () => {
  const { engine } = await cluster(1)
  const scheduled = [{ seqId: 9, numComputedTokens: 0, numScheduledTokens: 1, ubatchIdx: 0, newBlockIds: [] }]
  const plan = { stepId: 1, removedSeqIds: [], newSequences: [], scheduled, ffnInstanceOfUbatch: [] }
  await expect(engine.step(plan)).rejects.toMatchObject({ code: 'plan_invalid' })
  expect(await generate(engine, sequences)).toEqual(await alone())
})

it('overlaps: while one ubatch waits for its FFN output another computes', async () => {
  const { engine, backend, ffn } = await cluster(1)
  const scheduler = new TestScheduler(sequences.slice(0, 2), 2)
  const attendsAtRun: number[] = []
  ffn[0]!.backend.onRun = () => { attendsAtRun.push(backend.numAttends) }
  const { timings } = await engine.step(scheduler.next())
  expect(backend.numAttends).toBe(6)
  expect(attendsAtRun[0]).toBeGreaterThan(0)
  expect(ffn[0]!.engine.stats().numFrames).toBe(6)
  expect(timings.stepUs).toBeGreaterThanOrEqual(timings.attentionUs + timings.sampleUs)
  expect(engine.stats()).toMatchObject({ numSteps: 1, framesSent: 6, framesResent: 0 })
  expect(engine.stats().bytesReceived).toBeGreaterThan(0)
})

it('runs a failing backend\'s step into the ground without touching the sequences', async () => {
  const { engine, backend } = await cluster(1)
  const scheduler = new TestScheduler(sequences.slice(0, 3), 3)
  const plan = scheduler.next()
  const attend = backend.attend.bind(backend)
  backend.attend = (layerIdx, ubatch, residual) => {
    if (layerIdx === 1) throw new Error('out of registers')
    return attend(layerIdx, ubatch, residual)
  }
  await expect(engine.step(plan)).rejects.toThrow('out of registers')
  expect(engine.stats()).toMatchObject({ numSequences: 0, numSteps: 0 })
  backend.attend = attend
  scheduler.record((await engine.step(plan)).sampled)
  expect(scheduler.events).toHaveLength(3)
})

it('finishes the running step when disposed and refuses what follows', async () => {
  const started = await startCluster(1)
  const scheduler = new TestScheduler(sequences.slice(0, 1), 1)
  const running = started.engine.step(scheduler.next())
  const disposed = started.close()
  expect((await running).sampled).toHaveLength(1)
  await disposed
  expect(started.backend.isDisposed).toBe(true)
  await expect(started.engine.step(scheduler.next())).rejects.toMatchObject({ code: 'engine_disposed' })
  await expect(started.engine.setTopology({ epoch: 1, split: 'ep', instances: [] })).rejects.toMatchObject({ code: 'engine_disposed' })
})
