import { fileURLToPath } from 'node:url'
import { openModel } from '@tandem/model'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadTokenizer } from '../src/load.js'
import { expectedOf, ggufMetadataOf, goldenPath, samples } from './support/golden.js'
import type { Expected } from './support/golden.js'
import type { Tokenizer } from '../src/tokenizer.js'

const byteLevel = ['smollm', 'qwen2', 'llama-bpe', 'deepseek-v3', 'deepseek-llm']

function checkTexts (tokenizer: Tokenizer, expected: Expected): void {
  samples.texts.forEach((text, i) => {
    const { ids, prefix, decoded } = expected.texts[i]!
    expect.soft(tokenizer.encode(text, { addSpecialTokens: false }), `ids of ${JSON.stringify(text)}`).toEqual(ids)
    expect.soft(tokenizer.encode(text, { addSpecialTokens: true }).length - ids.length, `prefix of ${JSON.stringify(text)}`).toBe(prefix)
    expect.soft(tokenizer.decode(ids), `text of ${JSON.stringify(text)}`).toBe(decoded)
  })
}

describe('tokenizer.json', () => {
  it.each([...byteLevel, 'sentencepiece', 'metaspace'])('gives the ids and texts of transformers: %s', async name => {
    checkTexts(await loadTokenizer({ kind: 'hf', directory: goldenPath(name) }), expectedOf(`${name}/expected.json`))
  })
})

describe('GGUF metadata', () => {
  it.each(byteLevel)('gives the ids of the tokenizer.json it was made from: %s', async name => {
    checkTexts(await loadTokenizer({ kind: 'gguf', path: 'tiny.gguf', metadata: ggufMetadataOf(name) }), expectedOf(`${name}/expected.json`))
  })

  it('gives the ids of transformers: sentencepiece', async () => {
    const metadata = ggufMetadataOf('sentencepiece')
    checkTexts(await loadTokenizer({ kind: 'gguf', path: 'tiny.gguf', metadata }), expectedOf('sentencepiece/gguf-expected.json'))
  })
})

describe('the shipped model', () => {
  const path = fileURLToPath(new URL('../../default-model/SmolLM2-135M-Instruct.Q4_1.gguf', import.meta.url))
  let tokenizer: Tokenizer
  beforeAll(async () => { tokenizer = await loadTokenizer((await openModel(path)).tokenizer) })

  it('gives the ids of transformers, with digits split as the model was trained', () => {
    checkTexts(tokenizer, expectedOf('shipped.json'))
  })

  it('differs from transformers unpatched only where there are digits', () => {
    const { texts } = expectedOf('shipped.json')
    const different = samples.texts.filter((_, i) => texts[i]!.rawIds !== undefined)
    expect(different.length).toBeGreaterThan(0)
    expect(different.filter(text => !/\p{N}/u.test(text))).toEqual([])
  })

  it('renders its chat template as transformers does', () => {
    expect(samples.messages.map(messages => tokenizer.chatTemplate!.render(messages))).toEqual(expectedOf('shipped.json').prompts)
  })

  it('tells ids that text encodes to from those that were added', () => {
    expect(tokenizer.numTextIds).toBe(49152)
    expect(tokenizer.numIds).toBe(49152)
  })

  it('gives back every sample it encoded', () => {
    for (const text of samples.texts) {
      const ids = tokenizer.encode(text, { addSpecialTokens: false })
      expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(text)
    }
  })
})
