import { greedySampling } from '@tandem/core'
import { describe, expect, it } from 'vitest'
import { tokenLogprobs } from '../../src/sampler/logprobs.js'
import { Sampler } from '../../src/sampler/sampler.js'
import { SamplerState } from '../../src/sampler/sampler-state.js'

const logits = Float32Array.from([0.1, 0.4, 0.2, 0.2, 0.1].map(p => Math.log(p)))

describe('tokenLogprobs', () => {
  it('reports log probability, rank and the best alternatives', () => {
    const { logprob, rank, top } = tokenLogprobs(logits, 3, 3)
    expect(logprob).toBeCloseTo(Math.log(0.2), 6)
    expect(rank).toBe(2)
    expect(top.map(entry => entry.tokenId)).toEqual([1, 2, 3])
    expect(top.map(entry => entry.logprob)).toEqual([0.4, 0.2, 0.2].map(p => expect.closeTo(Math.log(p), 6)))
  })

  it('reports no alternatives for 0 and all for more than the vocabulary', () => {
    expect(tokenLogprobs(logits, 0, 0).top).toEqual([])
    expect(tokenLogprobs(logits, 0, 9).top.map(entry => entry.tokenId)).toEqual([1, 2, 3, 0, 4])
  })

  it('stays finite on banned and broken logits', () => {
    const { logprob, rank, top } = tokenLogprobs(Float32Array.from([NaN, -Infinity, 1]), 1, 3)
    expect(Number.isFinite(logprob)).toBe(true)
    expect(rank).toBe(2)
    expect(top.map(entry => entry.tokenId)).toEqual([2, 0, 1])
  })
})

describe('Sampler logprobs', () => {
  it('are those of the raw logits, not of what was sampled from', () => {
    const params = { ...greedySampling, logprobs: 1, temperature: 0.2, logitBias: [[0, 50]] as const }
    const { tokenId, logprobs } = new Sampler(5).sample(logits, new SamplerState([], 0), params, 0)
    expect(tokenId).toBe(0)
    expect(logprobs).toMatchObject({ tokenId: 0, rank: 4, logprob: expect.closeTo(Math.log(0.1), 6), top: [{ tokenId: 1 }] })
  })

  it('are absent unless asked for', () => {
    expect(new Sampler(5).sample(logits, new SamplerState([], 0), greedySampling, 0)).toEqual({ tokenId: 1 })
  })
})
