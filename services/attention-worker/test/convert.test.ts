import { expect, it } from 'vitest'
import { planFromMessage, resultToMessage } from '../src/convert.js'

const timings = { stepUs: 10, attentionUs: 4, ffnWaitUs: 5, sampleUs: 1 }

it('gives the engine plans with sampling in its own form', () => {
  const message = {
    stepId: 3,
    removedSeqIds: [1],
    newSequences: [{ seqId: 2, tokenIds: [5, 6], numPromptTokens: 2, maxTokens: 4, sampling: null }],
    scheduled: [{ seqId: 2, numComputedTokens: 0, numScheduledTokens: 2, ubatchIdx: 1, newBlockIds: [9] }],
    ffnInstanceOfUbatch: [0, 1]
  }
  const plan = planFromMessage(message)
  expect(plan.scheduled).toBe(message.scheduled)
  expect(plan.newSequences[0]!.sampling).toMatchObject({ temperature: 0, topP: 1 })
})

it('groups prompt logprobs by sequence and names why sequences end', () => {
  const logprobs = (tokenId: number) => ({ tokenId, logprob: -1, rank: 2, top: [{ tokenId: 1, logprob: -0.5 }] })
  const message = resultToMessage({
    stepId: 3,
    timings,
    sampled: [{ seqId: 2, position: 2, tokenId: 8, finishReason: 'stop' }, { seqId: 4, position: 9, tokenId: 1, logprobs: logprobs(1) }],
    promptLogprobs: [
      { seqId: 2, position: 1, logprobs: logprobs(6) },
      { seqId: 4, position: 1, logprobs: logprobs(3) },
      { seqId: 2, position: 2, logprobs: logprobs(7) }
    ]
  })
  expect(message).toMatchObject({ stepId: 3, ...timings })
  expect(message.sampled).toEqual([
    { seqId: 2, position: 2, tokenId: 8, finishReason: 'FINISH_REASON_STOP' },
    {
      seqId: 4,
      position: 9,
      tokenId: 1,
      finishReason: 'FINISH_REASON_UNSPECIFIED',
      logprobs: { logprob: -1, rank: 2, top: [{ tokenId: 1, logprob: -0.5 }] }
    }
  ])
  expect(message.promptLogprobs?.map(({ seqId, tokens }) => [seqId, tokens?.map(({ position, tokenId }) => [position, tokenId])])).toEqual([
    [2, [[1, 6], [2, 7]]], [4, [[1, 3]]]
  ])
})
