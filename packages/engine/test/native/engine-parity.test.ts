// The native engine against the reference on every tiny golden model: same prompts, logprobs within a tolerance, same greedy tokens.
//
// Tolerances, of the logprob of a prompt token: 2e-4 at most for float weights (sums in another order); 0.06 on average for
// quantised tiny ones (the native engine rounds activations to 8 bits; llama.cpp, which does too, differs by 0.038 on the shipped one).
import { readdirSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { openGoldenModel } from '../reference/golden-models.js'
import { generate, newSequence, prompts, skipReason, startCluster } from './engine-support/cluster.js'

const modelNames = readdirSync(new URL('../../../../test/golden/models', import.meta.url)).sort()
if (skipReason !== null) console.log(`native parity is not tested: ${skipReason}`)

describe.skipIf(skipReason !== null)('native engine against the reference', () => {
  const figures: string[] = []
  afterAll(() => { console.log(`largest difference of a logprob\n${figures.join('\n')}`) })

  for (const name of modelNames) {
    it(`agrees on ${name}`, async () => {
      const model = await openGoldenModel(name)
      const isQuantised = [model.attention.layers[0]?.attention.o.dtype, model.attention.lmHead.dtype].some(dtype => dtype?.startsWith('Q'))
      const sequences = prompts(4, model.config.vocabSize).map((tokenIds, i) => newSequence(i, tokenIds, 8, { promptLogprobs: 0, logprobs: 2 }))
      const results = []
      for (const backend of ['cpu', 'reference'] as const) {
        const cluster = await startCluster(model, { attention: backend, ffn: backend, connector: backend === 'cpu' ? 'loopback' : 'tcp' })
        results.push(await generate(cluster.engine, sequences, 2, 7))
        await cluster.close()
      }
      const [native, reference] = results
      const expected = new Map(reference!.promptLogprobs.map(entry => [`${entry.seqId}/${entry.position}`, entry.logprobs]))
      let largest = 0
      let sum = 0
      for (const { seqId, position, logprobs } of native!.promptLogprobs) {
        const other = expected.get(`${seqId}/${position}`)!
        expect(logprobs.tokenId).toBe(other.tokenId)
        const difference = Math.abs(logprobs.logprob - other.logprob)
        largest = Math.max(largest, difference)
        sum += difference
      }
      figures.push(`${name}: mean ${(sum / native!.promptLogprobs.length).toExponential(1)}, largest ${largest.toExponential(1)}`)
      expect(native!.promptLogprobs.length).toBe(reference!.promptLogprobs.length)
      if (isQuantised) expect(sum / native!.promptLogprobs.length).toBeLessThan(0.06)
      else expect(largest).toBeLessThan(2e-4)
      if (!isQuantised) expect(native!.outputs).toEqual(reference!.outputs)
    })
  }
})
