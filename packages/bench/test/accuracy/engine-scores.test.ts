import { expect, test } from 'vitest'
import type { AttentionEngine, StepPlan } from '@tandem/engine'
import { blocksFor, scoreText } from '../../src/accuracy/engine-scores.js'

const never = new AbortController().signal

/** Scores every scheduled token but the first of the text: token 50 + position is the best one, at -0.5. */
function fakeEngine (plans: StepPlan[]): AttentionEngine {
  return {
    info: { backend: 'reference', reason: '', weightBytes: 0 },
    kvCache: { numBlocks: 8, blockSize: 4, dtype: 'f32', bytes: 0 },
    setTopology: async () => {},
    step: async plan => {
      plans.push(plan)
      const [line] = plan.scheduled
      const positions = Array.from({ length: line!.numScheduledTokens }, (_, idx) => line!.numComputedTokens + idx)
      return {
        stepId: plan.stepId,
        sampled: [],
        promptLogprobs: positions.filter(position => position > 0).map(position => ({
          seqId: 1, position, logprobs: { tokenId: position, logprob: -3, rank: 2, top: [{ tokenId: 50 + position, logprob: -0.5 }] }
        })),
        timings: { stepUs: 0, attentionUs: 0, ffnWaitUs: 0, sampleUs: 0 }
      }
    },
    stats: () => { throw new Error('not asked') },
    dispose: async () => {}
  }
}

test('the text goes in once and is scheduled in chunks; every token but the first is scored', async () => {
  const plans: StepPlan[] = []
  const progress: number[] = []
  const scores = await scoreText(fakeEngine(plans), [0, 1, 2, 3, 4, 5, 6], 3, numDone => progress.push(numDone), never)
  expect(scores.map(score => score.position)).toEqual([1, 2, 3, 4, 5, 6])
  expect(scores[0]).toEqual({ position: 1, top1: 51, logprob: -3 })
  expect(plans.map(plan => plan.newSequences.length)).toEqual([1, 0, 0])
  expect(plans.map(plan => plan.scheduled[0]?.numScheduledTokens)).toEqual([3, 3, 1])
  expect(plans[0]?.scheduled[0]?.newBlockIds).toEqual([0, 1])
  expect(plans[0]?.newSequences[0]).toMatchObject({ numPromptTokens: 7, sampling: { temperature: 0, promptLogprobs: 1 } })
  expect(progress).toEqual([0, 3, 6])
})

test('there is a block for the token that is sampled at the end', () => {
  expect(blocksFor(7, 4)).toBe(2)
  expect(blocksFor(8, 4)).toBe(3)
})

test('an interrupted text is no result', async () => {
  await expect(scoreText(fakeEngine([]), [0, 1], 2, () => {}, AbortSignal.abort(new Error('interrupted')))).rejects.toThrow('interrupted')
})
