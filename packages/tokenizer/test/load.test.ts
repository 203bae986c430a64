import { describe, expect, it } from 'vitest'
import { loadTokenizer } from '../src/load.js'
import { expectedOf, ggufMetadataOf, goldenPath, samples } from './support/golden.js'
import type { Expected } from './support/golden.js'
import type { Tokenizer } from '../src/tokenizer.js'

const byteLevel = ['smollm', 'qwen2', 'llama-bpe', 'deepseek-v3']

function checkTexts (tokenizer: Tokenizer, expected: Expected): void {
  samples.texts.forEach((text, i) => {
    const { ids, prefix, decoded } = expected.texts[i]!
    expect.soft(tokenizer.encode(text, { addSpecialTokens: false }), `ids of ${JSON.stringify(text)}`).toEqual(ids)
    expect.soft(tokenizer.encode(text, { addSpecialTokens: true }).length - ids.length, `prefix of ${JSON.stringify(text)}`).toBe(prefix)
    expect.soft(tokenizer.decode(ids), `text of ${JSON.stringify(text)}`).toBe(decoded)
  })
}

describe('tokenizer.json', () => {
  it.each([...byteLevel, 'sentencepiece'])('gives the ids and texts of transformers: %s', async name => {
    checkTexts(await loadTokenizer({ kind: 'hf', directory: goldenPath(name) }), expectedOf(`${name}/expected.json`))
  })
})

describe('GGUF metadata', () => {
  it.each(byteLevel)('gives the ids of the tokenizer.json it was made from: %s', async name => {
    checkTexts(await loadTokenizer({ kind: 'gguf', metadata: ggufMetadataOf(name) }), expectedOf(`${name}/expected.json`))
  })

  it('gives the ids of transformers: sentencepiece', async () => {
    const metadata = ggufMetadataOf('sentencepiece')
    checkTexts(await loadTokenizer({ kind: 'gguf', metadata }), expectedOf('sentencepiece/gguf-expected.json'))
  })
})
