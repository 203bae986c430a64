import { describe, expect, it } from 'vitest'
import type { A2fDelivery, A2fFrame } from '@tandem/connector'
import { mergeFrames, refusalOf, splitAnswers } from '../../src/pipeline/ffn-batch.js'
import { fakeConfig, hiddenSize } from './support/fake-model.js'

function frame (changes: Partial<A2fFrame> = {}): A2fFrame {
  const numTokens = changes.numTokens ?? 2
  const values = Float32Array.from({ length: numTokens * hiddenSize }, (_, i) => i + (changes.frameId ?? 1) * 100)
  return {
    kind: 'a2f',
    epoch: 1,
    workerNumber: 4,
    frameId: 1,
    layerIdx: 1,
    ubatchIdx: 2,
    numTokens,
    hiddenSize,
    dtype: 'f32',
    hidden: new Uint8Array(values.buffer),
    scales: new Float32Array(0),
    topK: 2,
    topkIds: new Uint16Array(numTokens * 2).fill(changes.frameId ?? 1),
    topkWeights: new Float32Array(numTokens * 2).fill(0.5),
    ...changes
  }
}

const delivery = (changes: Partial<A2fFrame>, channelId = 1): A2fDelivery => ({ frame: frame(changes), channelId })

it('puts rows end to end and gives each sender its own back, per node', () => {
  const batch = mergeFrames([delivery({ frameId: 1, numTokens: 2 }), delivery({ frameId: 2, numTokens: 3 }, 2)])
  expect(batch.hidden.length).toBe(5 * hiddenSize)
  expect([...batch.topkIds]).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 2, 2])
  const partials = [batch.hidden, batch.hidden.map(value => -value)]
  const answers = splitAnswers(batch, [2, 6], partials, 33)
  expect(answers.map(({ frameId, numTokens, computeUs }) => [frameId, numTokens, computeUs])).toEqual([[1, 2, 33], [2, 3, 33]])
  const second = new Float32Array(answers[1]!.partials.slice().buffer)
  expect([...second.subarray(0, 2)]).toEqual([200, 201])
  expect(second[3 * hiddenSize]).toBe(-200)
  expect([...answers[1]!.nodes]).toEqual([2, 6])
})

it('copies nothing for a single frame', () => {
  const alone = delivery({})
  const batch = mergeFrames([alone])
  expect(batch.hidden.buffer).toBe(alone.frame.hidden.buffer)
  expect(splitAnswers(batch, [1], [batch.hidden], 0)[0]!.partials.buffer).toBe(batch.hidden.buffer)
})

describe('refusals', () => {
  it('accepts what the model can run', () => {
    expect(refusalOf(frame(), fakeConfig)).toBeNull()
    expect(refusalOf(frame({ layerIdx: 0, topK: 0 }), fakeConfig)).toBeNull()
  })

  it.each<[string, Partial<A2fFrame>, string]>([
    ['an unknown layer', { layerIdx: 3 }, 'unknown_layer'],
    ['a wrong hidden size', { hiddenSize: 16 }, 'malformed'],
    ['experts on a dense layer', { layerIdx: 0 }, 'malformed'],
    ['a dense frame on an expert layer', { topK: 0 }, 'malformed'],
    ['an expert that does not exist', { topkIds: Uint16Array.of(0, 1, 2, 8) }, 'malformed']
  ])('names %s', (_what, changes, status) => {
    expect(refusalOf(frame(changes), fakeConfig)).toMatchObject({ status })
  })
})
