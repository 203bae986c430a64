import { greedySampling, type SamplingParams } from '@tandem/core'
import { describe, expect, it } from 'vitest'
import { Sampler } from '../../src/sampler/sampler.js'
import { SamplerState } from '../../src/sampler/sampler-state.js'
import { uniformAt } from '../../src/sampler/philox.js'

const noHistory = new SamplerState([], 0)

function sampleIds (logits: number[], params: Partial<SamplingParams>, numDraws = 400, state = noHistory): number[] {
  const sampler = new Sampler(logits.length)
  const full = { ...greedySampling, temperature: 1, ...params }
  return Array.from({ length: numDraws }, (_, position) => sampler.sample(Float32Array.from(logits), state, full, position).tokenId)
}

const keptBy = (logits: number[], params: Partial<SamplingParams>): number[] => [...new Set(sampleIds(logits, params))].sort((a, b) => a - b)
const logsOf = (probabilities: number[]): number[] => probabilities.map(p => Math.log(p))
const greedy = (logits: number[], params: Partial<SamplingParams> = {}, state = noHistory): number =>
  sampleIds(logits, { ...params, temperature: 0 }, 1, state)[0]!

describe('greedy', () => {
  it('takes the lowest id among equals', () => expect(greedy([0, 3, 3, 1])).toBe(1))
  it('ignores NaN', () => expect(greedy([NaN, 1, 2, NaN])).toBe(2))
  it('survives a row without any finite logit', () => {
    expect(sampleIds([-Infinity, -Infinity], { temperature: 1 }, 1)).toEqual([0])
  })
})

describe('penalties and bias', () => {
  // Prompt 0, 1; output 2, 2, 3.
  const state = new SamplerState([0, 1, 2, 2, 3], 2)

  it('divides positive and multiplies negative logits of every seen token', () => {
    expect(greedy([2, 1, 1, 1, 1.1], { repetitionPenalty: 2 }, state)).toBe(4)
    expect(greedy([-1, -1, -1, -1, -1.5], { repetitionPenalty: 2 }, state)).toBe(4)
  })
  it('subtracts the frequency penalty per occurrence in the output only', () => {
    expect(greedy([0.4, 0, 2, 1, 0], { frequencyPenalty: 0.7 }, state)).toBe(2) // 2 - 1.4 = 0.6 beats 0.4 and 1 - 0.7
    expect(greedy([0.4, 0, 2, 1, 0], { frequencyPenalty: 0.9 }, state)).toBe(0)
  })
  it('subtracts the presence penalty once', () => {
    expect(greedy([0.4, 0, 2, 1, 0], { presencePenalty: 1.5 }, state)).toBe(2)
    expect(greedy([0.6, 0, 2, 1, 0], { presencePenalty: 1.5 }, state)).toBe(0)
  })
  it('adds the bias before the repetition penalty', () => {
    expect(greedy([-1, 0, 0, 0, 1.9], { logitBias: [[0, 5]], repetitionPenalty: 2 }, state)).toBe(0) // (-1 + 5) / 2 = 2
    expect(greedy([-1, 0, 0, 0, 2.1], { logitBias: [[0, 5]], repetitionPenalty: 2 }, state)).toBe(4)
  })
  it('bans a token and skips ids outside the vocabulary', () => {
    expect(greedy([5, 1], { logitBias: [[0, -Infinity], [77, 9]] })).toBe(1)
  })
  it('counts appended tokens', () => {
    const growing = new SamplerState([0], 1)
    growing.append(1)
    expect(greedy([0, 1, 0.5], { presencePenalty: 0.6 }, growing)).toBe(2)
  })
})

describe('filters', () => {
  const logits = logsOf([0.4, 0.3, 0.2, 0.1])
  it('keeps everything by default', () => expect(keptBy(logits, {})).toEqual([0, 1, 2, 3]))
  it('top_k', () => expect(keptBy(logits, { topK: 2 })).toEqual([0, 1]))
  it('top_k keeps the lower id at a tie', () => expect(keptBy([0, 1, 0, 1, 1], { topK: 2 })).toEqual([1, 3]))
  it('top_p keeps the token that crosses the mass', () => {
    expect(keptBy(logits, { topP: 0.65 })).toEqual([0, 1])
    expect(keptBy(logits, { topP: 0.75 })).toEqual([0, 1, 2])
    expect(keptBy(logits, { topP: 1e-9 })).toEqual([0])
  })
  it('top_p is a share of what top_k left', () => {
    expect(keptBy(logits, { topK: 2, topP: 0.55 })).toEqual([0]) // 0.4 / 0.7 = 0.571
    expect(keptBy(logits, { topK: 2, topP: 0.6 })).toEqual([0, 1])
  })
  it('min_p is relative to the best token after temperature', () => {
    expect(keptBy(logits, { minP: 0.6 })).toEqual([0, 1])
    expect(keptBy(logits, { minP: 0.6, temperature: 0.5 })).toEqual([0])
  })
  it('a temperature near 0 is greedy', () => expect(keptBy(logits, { temperature: 1e-300 })).toEqual([0]))
})

describe('draws', () => {
  it('follow the probabilities', () => {
    const counts = [0, 0, 0]
    for (const id of sampleIds(logsOf([0.5, 0.3, 0.2]), { seed: 11 }, 20_000)) counts[id]!++
    // 0.012 is 3.4 standard deviations of 20,000 draws at p = 0.5.
    counts.forEach((count, id) => expect(Math.abs(count / 20_000 - [0.5, 0.3, 0.2][id]!)).toBeLessThan(0.012))
  })
  it('depend on seed and position only', () => {
    const logits = Array.from({ length: 50 }, (_, i) => Math.sin(i))
    expect(sampleIds(logits, { seed: 3 })).toEqual(sampleIds(logits, { seed: 3 }))
    expect(sampleIds(logits, { seed: 3 })).not.toEqual(sampleIds(logits, { seed: 4 }))
  })
  it('invert the cumulative sum in ascending id order', () => {
    const expected = [0, 1, 2, 3].map(position => Math.floor(uniformAt(9, position) * 8))
    expect(sampleIds(new Array<number>(8).fill(0), { seed: 9 }, 4)).toEqual(expected)
  })
})
