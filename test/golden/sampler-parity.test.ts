// Owns the parity of the sampler with vLLM's: the same parameters leave the same distribution. Draws are seeded, so the test is exact.
import { readFile } from 'node:fs/promises'
import { greedySampling, type SamplingParams } from '@tandem/core'
import { Sampler, SamplerState } from '@tandem/engine'
import { describe, expect, it } from 'vitest'

interface Golden {
  readonly prompt: readonly number[]
  readonly output: readonly number[]
  readonly logits: readonly number[]
  readonly cases: ReadonlyArray<{ readonly params: Partial<SamplingParams>, readonly probabilities: readonly number[] }>
}

const NUM_DRAWS = 20_000
const golden = JSON.parse(await readFile(new URL('sampler.json', import.meta.url), 'utf8')) as Golden

describe('Sampler against vLLM', () => {
  it.each(golden.cases.map(({ params, probabilities }) => [JSON.stringify(params), params, probabilities] as const))('%s', (_, params, probabilities) => {
    const logits = Float32Array.from(golden.logits)
    const state = new SamplerState([...golden.prompt, ...golden.output], golden.prompt.length)
    const sampler = new Sampler(logits.length)
    const full: SamplingParams = { ...greedySampling, temperature: 1, seed: 2024, ...params }
    const counts = new Array<number>(logits.length).fill(0)
    for (let position = 0; position < NUM_DRAWS; position++) counts[sampler.sample(logits, state, full, position).tokenId]!++

    counts.forEach((count, tokenId) => {
      const p = probabilities[tokenId]!
      if (p === 0) expect(count, `token ${tokenId} was filtered out`).toBe(0)
      else expect(Math.abs(count / NUM_DRAWS - p), `token ${tokenId}, p = ${p}`).toBeLessThan(4 * Math.sqrt(p * (1 - p) / NUM_DRAWS) + 1e-4)
    })
  })
})
