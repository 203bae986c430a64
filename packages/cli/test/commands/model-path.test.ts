import { fileURLToPath } from 'node:url'
import { defaultModelPath } from '@tandem/default-model'
import { expect, it } from 'vitest'
import { resolveModelPath } from '../../src/commands/model-path.js'

const goldenModel = (name: string): string => fileURLToPath(new URL(`../../../../test/golden/models/${name}`, import.meta.url))

it('takes the shipped model when none is named', async () => {
  expect(await resolveModelPath(undefined, undefined)).toBe(defaultModelPath)
  expect(await resolveModelPath(defaultModelPath, undefined)).toBe(defaultModelPath)
})

it.each([
  ['gguf-llama/model.gguf', 'tokenizer.ggml.tokens'],
  ['llama-bf16', 'tokenizer.json']
])('refuses %s, which has no tokenizer, before a process starts', async (name, expected) => {
  await expect(resolveModelPath(goldenModel(name), undefined)).rejects.toMatchObject({
    code: 'tokenizer_missing', message: expect.stringContaining(`${goldenModel(name)}: expected ${expected}`) as string
  })
})

it('refuses what is not there', async () => {
  await expect(resolveModelPath('/nowhere/model.gguf', undefined)).rejects.toThrow('/nowhere/model.gguf')
})
