// Owns the parity of the reference backend with transformers on the shipped model, teacher-forced on text.txt.
// ALL_POSITIONS=1 compares the whole text instead of its start.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { tokenLogprobs } from '@tandem/engine'
import { openModel } from '@tandem/model'
import { expect, it } from 'vitest'
import { argmax, createModelRunner } from '../../packages/engine/test/reference/run-model.js'

interface Golden {
  readonly token_ids: readonly number[]
  /** Per position but the last: the oracle's choice, and its log probability of the token that follows. */
  readonly top1: readonly number[]
  readonly logprobs: readonly number[]
}

const SHORT_POSITIONS = 128
const CHUNK = 64

const pathOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

it('agrees with transformers on the dequantised weights', async () => {
  const golden = JSON.parse(await readFile(pathOf('default-model/golden.json'), 'utf8')) as Golden
  const runner = await createModelRunner(await openModel(pathOf('../../packages/default-model/SmolLM2-135M-Instruct.Q4_1.gguf')))
  const numPositions = process.env.ALL_POSITIONS === undefined ? SHORT_POSITIONS : golden.top1.length
  const sequence = runner.addSequence()
  let numEqual = 0
  let sumOfDifferences = 0
  for (let start = 0; start < numPositions; start += CHUNK) {
    const [rows] = runner.step([{ sequence, tokenIds: golden.token_ids.slice(start, Math.min(start + CHUNK, numPositions)) }])
    rows!.forEach((logits, i) => {
      const { logprob } = tokenLogprobs(logits, golden.token_ids[start + i + 1]!, 0)
      sumOfDifferences += Math.abs(logprob - golden.logprobs[start + i]!)
      if (argmax(logits) === golden.top1[start + i]) numEqual++
    })
  }
  const meanDifference = sumOfDifferences / numPositions
  if (process.env.PRINT_PARITY !== undefined) console.log(`${numPositions} positions: top-1 equal ${numEqual}, mean |delta logprob| ${meanDifference}`)
  expect(numEqual / numPositions).toBeGreaterThanOrEqual(0.99)
  expect(meanDifference).toBeLessThanOrEqual(0.005)
})
