// Owns the parity of the reference backend with other people's implementations, on tiny random models of every architecture.
// PRINT_PARITY=1 prints the largest error of each.
import { openModel } from '@tandem/model'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createModelRunner, type ModelRunner } from '../../packages/engine/test/reference/run-model.js'
import { goldenNames, readGolden, relativeError, type Golden } from './golden-files.js'

/** Relative to the largest logit of the row. */
const TOLERANCE = 1e-3
const names = await goldenNames()
const largestErrors: Record<string, number> = {}

describe.each(names)('%s', name => {
  let golden: Golden
  let runner: ModelRunner

  beforeAll(async () => {
    golden = await readGolden(name)
    runner = await createModelRunner(await openModel(golden.directory), { blockSize: 4, numBlocks: 100 })
  })

  /** Runs the prompts side by side, `chunkSize` tokens of each at a time, and compares every row. */
  function expectLogits (prompts: readonly number[], chunkSize: number): void {
    const running = prompts.map(index => ({ index, sequence: runner.addSequence(), prompt: golden.prompts[index]! }))
    for (let start = 0; ; start += chunkSize) {
      const inputs = running.filter(({ prompt }) => prompt.length > start)
      if (inputs.length === 0) break
      const results = runner.step(inputs.map(({ sequence, prompt }) => ({ sequence, tokenIds: prompt.slice(start, start + chunkSize) })))
      results.forEach((rows, i) => rows.forEach((row, offset) => {
        const error = relativeError(row, golden.logits[inputs[i]!.index]![start + offset]!)
        largestErrors[name] = Math.max(largestErrors[name] ?? 0, error)
        expect(error, `prompt ${inputs[i]!.index}, position ${start + offset}`).toBeLessThan(TOLERANCE)
      }))
    }
    for (const { sequence } of running) runner.release(sequence)
  }

  it('prefills whole prompts, one at a time', () => golden.prompts.forEach((_, index) => expectLogits([index], 1000)))
  it('prefills a batch of mixed lengths', () => expectLogits([4, 0, 3, 1, 2], 1000))
  it('prefills a batch in chunks', () => expectLogits([0, 1, 2, 3, 4], 5))
  it('decodes a batch token by token', () => expectLogits([2, 3, 1], 1))
  it('continues greedily as the oracle does', () => {
    golden.prompts.forEach((prompt, index) => expect(runner.greedy(prompt, golden.greedy[index]!.length)).toEqual(golden.greedy[index]))
  })
})

afterAll(() => {
  if (process.env.PRINT_PARITY === undefined) return
  for (const [name, error] of Object.entries(largestErrors)) console.log(`${name.padEnd(24)} largest relative error ${error.toExponential(1)}`)
})
