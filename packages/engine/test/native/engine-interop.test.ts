// Native and reference engines in one cluster: they speak the same frames over tcp, either way round and mixed in one instance.
import { describe, expect, it } from 'vitest'
import { openGoldenModel } from '../reference/golden-models.js'
import { formInstance, generate, newSequence, prompts, skipReason, startAttention, startCluster, startFfn } from './engine-support/cluster.js'

describe.skipIf(skipReason !== null).each(['llama-bf16', 'qwen3-moe-bf16', 'step3-fp8'])('native and reference engines on %s', name => {
  it.each([['cpu', 'reference'], ['reference', 'cpu']] as const)('generate the same tokens with attention on %s and FFN on %s', async (attention, ffn) => {
    const model = await openGoldenModel(name)
    const sequences = prompts(3, model.config.vocabSize).map((tokenIds, i) => newSequence(i, tokenIds, 8))
    const outputs = []
    for (const settings of [{ attention, ffn, connector: 'tcp', numFfn: 2 }, { attention: 'cpu', ffn: 'cpu' }] as const) {
      const cluster = await startCluster(model, settings)
      outputs.push((await generate(cluster.engine, sequences, 2)).outputs)
      await cluster.close()
    }
    expect(outputs[0]).toEqual(outputs[1])
  })

  it.each(['bf16', 'fp8_e4m3'] as const)('carry %s activations alike', async activationDtype => {
    const model = await openGoldenModel(name)
    const sequences = prompts(2, model.config.vocabSize).map((tokenIds, i) => newSequence(i, tokenIds, 4, { promptLogprobs: 0 }))
    const logprobs: number[][] = []
    for (const backend of ['cpu', 'reference'] as const) {
      const cluster = await startCluster(model, { attention: backend, ffn: 'cpu', connector: 'tcp', options: { activationDtype } })
      logprobs.push((await generate(cluster.engine, sequences)).promptLogprobs.map(entry => entry.logprobs.logprob))
      await cluster.close()
    }
    // A value near the middle of two codes may round either way: half a step of bf16 or e4m3 in a few channels.
    const tolerance = activationDtype === 'bf16' ? 2e-3 : 5e-2
    logprobs[0]!.forEach((value, i) => { expect(Math.abs(value - logprobs[1]![i]!)).toBeLessThan(tolerance) })
  })

  it('share an instance: one native and one reference FFN worker', async () => {
    const model = await openGoldenModel(name)
    const sequences = prompts(3, model.config.vocabSize).map((tokenIds, i) => newSequence(i, tokenIds, 6))
    const workers = [await startFfn(model, 'cpu', 'tcp'), await startFfn(model, 'reference', 'tcp')]
    const { engine } = await startAttention(model, 'cpu', 'auto')
    await engine.setTopology({ epoch: 1, split: 'ep', instances: [await formInstance(1, 'ep', workers)] })
    const mixed = (await generate(engine, sequences)).outputs
    await engine.dispose()
    for (const worker of workers) await worker.dispose()
    const cluster = await startCluster(model, { split: 'ep' })
    expect(mixed).toEqual((await generate(cluster.engine, sequences)).outputs)
    await cluster.close()
  })
})
