import { greedySampling, type SamplingParams } from '@tandem/core'
import { describe, expect, test } from 'vitest'
import { tokenLogprobs } from '../../src/sampler/logprobs.js'
import { philox4x32 } from '../../src/sampler/philox.js'
import { SamplerState } from '../../src/sampler/sampler-state.js'
import { Sampler } from '../../src/sampler/sampler.js'
import { availablePaths, kernelsOn, seededFloats, seededRandom } from './support/kernel-cases.js'

const vocabSize = 517

function randomParams (random: () => number): SamplingParams {
  const sometimes = (value: number, off: number): number => random() < 0.5 ? value : off
  return {
    ...greedySampling,
    temperature: sometimes(0.1 + 2 * random(), 0),
    topK: sometimes(Math.floor(random() * 40), 0),
    topP: sometimes(random(), 1),
    minP: sometimes(random() * 0.2, 0),
    seed: Math.floor((random() - 0.5) * 2 ** 52),
    repetitionPenalty: sometimes(0.5 + random(), 1),
    presencePenalty: sometimes(random() * 2, 0),
    frequencyPenalty: sometimes(random(), 0),
    logitBias: random() < 0.3 ? [[3, 5 * random()], [vocabSize + 9, 1], [8, -100]] : []
  }
}

describe.each(availablePaths)('sampler on $isa', ({ index }) => {
  test('picks the same token as the TypeScript sampler, 500 random requests', () => {
    const kernels = kernelsOn(index)
    const sampler = new Sampler(vocabSize)
    for (let seed = 0; seed < 500; seed++) {
      const random = seededRandom(seed + 1000)
      const params = randomParams(random)
      const logits = seededFloats(seed, vocabSize, 8)
      if (seed % 7 === 0) logits[5] = NaN
      if (seed % 5 === 0) logits[11] = -Infinity
      if (seed % 3 === 0) logits.fill(2, 100, 120)
      const tokenIds = Int32Array.from({ length: 30 }, () => Math.floor(random() * vocabSize))
      const position = seed % 2 === 0 ? 30 : 2 ** 33 + seed
      const expected = sampler.sample(logits, new SamplerState([...tokenIds], 12), params, position)
      const actual = kernels.sampleToken({
        ...params,
        biasIds: Int32Array.from(params.logitBias, ([id]) => id),
        biasValues: Float64Array.from(params.logitBias, ([, bias]) => bias)
      }, tokenIds, 12, position, logits)
      expect(actual, `seed ${seed}`).toBe(expected.tokenId)
    }
  })

  test('reports the same log probabilities, to the bit', () => {
    const logits = seededFloats(41, vocabSize, 8)
    logits.fill(logits[50]!, 200, 210)
    for (const [tokenId, numTop] of [[50, 0], [3, 5], [205, 20]] as const) {
      expect(kernelsOn(index).logProbability(logits, tokenId, numTop)).toEqual(tokenLogprobs(logits, tokenId, numTop))
    }
  })

  test('philox is the TypeScript one', () => {
    const counter = [0xffffffff, 3, 0x12345678, 9] as const
    const key = [0xdeadbeef, 0x80000001] as const
    expect(Array.from(kernelsOn(index).philox(Uint32Array.from(counter), Uint32Array.from(key)))).toEqual([...philox4x32(counter, key)])
  })
})
