// The native engine against the reference on every tiny golden model: same prompts, logprobs within a tolerance, same greedy tokens.
//
// Tolerances, of the logprob of a prompt token: 2e-4 at most for float weights (sums in another order); 0.06 on average for
// quantised tiny ones (the native engine rounds activations to 8 bits; llama.cpp, which does too, differs by 0.038 on the shipped one);
// 0.03 on average where it computes in bf16 (random tiny models; a router that is nearly undecided then takes another expert); 0.05 on
// average for float weights over a KV cache in int8 (for the same reason).
import { readdirSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { KvDtype } from '@tandem/engine'
import type { Model } from '@tandem/model'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { openGoldenModel } from '../reference/golden-models.js'
import { addon, computeDtypes, generate, newSequence, prompts, skipReason, startCluster } from './engine-support/cluster.js'

const modelNames = readdirSync(new URL('../../../../test/golden/models', import.meta.url)).sort()
if (skipReason !== null) console.log(`native parity is not tested: ${skipReason}`)

interface Agreement {
  readonly mean: number
  readonly largest: number
  readonly sameTokens: boolean
}

async function agreementOn (model: Model, kvDtype: KvDtype = 'f32'): Promise<Agreement> {
  const sequences = prompts(4, model.config.vocabSize).map((tokenIds, i) => newSequence(i, tokenIds, 8, { promptLogprobs: 0, logprobs: 2 }))
  const results = []
  for (const backend of ['cpu', 'reference'] as const) {
    const cluster = await startCluster(model, {
      attention: backend,
      ffn: backend,
      connector: backend === 'cpu' ? 'loopback' : 'tcp',
      options: { kvDtype: backend === 'cpu' ? kvDtype : 'f32' }
    })
    results.push(await generate(cluster.engine, sequences, 2, 7))
    await cluster.close()
  }
  const [native, reference] = results
  const expected = new Map(reference!.promptLogprobs.map(entry => [`${entry.seqId}/${entry.position}`, entry.logprobs]))
  const differences = native!.promptLogprobs.map(({ seqId, position, logprobs }) => {
    const other = expected.get(`${seqId}/${position}`)!
    expect(logprobs.tokenId).toBe(other.tokenId)
    return Math.abs(logprobs.logprob - other.logprob)
  })
  expect(differences.length).toBe(expected.size)
  expect(differences.length).toBeGreaterThan(0)
  const sameTokens = isDeepStrictEqual(native!.outputs, reference!.outputs)
  return { mean: differences.reduce((sum, difference) => sum + difference, 0) / differences.length, largest: Math.max(...differences), sameTokens }
}

describe.skipIf(skipReason !== null)('native engine against the reference', () => {
  const figures: string[] = []
  const note = (name: string, { mean, largest }: Agreement): void => {
    figures.push(`${name}: mean ${mean.toExponential(1)}, largest ${largest.toExponential(1)}`)
  }
  afterEach(() => { addon.setComputeDtype('int8') })
  afterAll(() => { console.log(`largest difference of a logprob\n${figures.join('\n')}`) })

  it.each(modelNames)('agrees on %s', async name => {
    const model = await openGoldenModel(name)
    const isQuantised = [model.attention.layers[0]?.attention.o.dtype, model.attention.lmHead.dtype].some(dtype => dtype?.startsWith('Q'))
    const agreement = await agreementOn(model)
    note(name, agreement)
    if (isQuantised) expect(agreement.mean).toBeLessThan(0.06)
    else expect(agreement.largest).toBeLessThan(2e-4)
    if (!isQuantised) expect(agreement.sameTokens).toBe(true)
  })

  it.skipIf(!computeDtypes.includes('bf16')).each(modelNames)('computes in bf16 on %s', async name => {
    addon.setComputeDtype('bf16')
    const agreement = await agreementOn(await openGoldenModel(name))
    note(`${name} in bf16`, agreement)
    expect(agreement.mean).toBeLessThan(0.03)
  })

  it.each(['llama-bf16', 'qwen3-bf16', 'step3-bf16', 'deepseek-v2-lite-f32'])('keeps the KV cache in int8 on %s', async name => {
    const agreement = await agreementOn(await openGoldenModel(name), 'int8')
    note(`${name} with KV in int8`, agreement)
    expect(agreement.mean).toBeLessThan(0.05)
    // It did round.
    expect(agreement.largest).toBeGreaterThan(2e-4)
  })
})
