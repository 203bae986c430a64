import { describe, expect, it } from 'vitest'
import { loadTokenizer } from '../../src/load.js'
import { ggufMetadataOf } from '../support/golden.js'

const load = (name: string, changes: Record<string, unknown> = {}) => {
  const metadata = ggufMetadataOf(name)
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) metadata.delete(`tokenizer.ggml.${key}`)
    else metadata.set(`tokenizer.ggml.${key}`, value)
  }
  return loadTokenizer({ kind: 'gguf', path: 'tiny.gguf', metadata })
}
const code = (expected: string) => expect.objectContaining({ code: expected })

describe('GGUF metadata', () => {
  it('adds bos to a SentencePiece text unless the file says otherwise', async () => {
    const ids = (tokenizer: Awaited<ReturnType<typeof load>>) => tokenizer.encode('a', { addSpecialTokens: true })
    expect(ids(await load('sentencepiece'))[0]).toBe(1)
    expect(ids(await load('sentencepiece', { add_bos_token: false }))[0]).not.toBe(1)
    expect(ids(await load('sentencepiece', { add_eos_token: true })).at(-1)).toBe(2)
  })

  it('adds the dummy prefix unless the file says otherwise', async () => {
    const tokenizer = await load('sentencepiece', { add_space_prefix: false })
    const ids = tokenizer.encode('text', { addSpecialTokens: false })
    expect(tokenizer.decode(ids)).toBe('text')
    expect(ids.flatMap(id => [...tokenizer.tokenBytes(id)])).toEqual([...Buffer.from('text')])
  })

  it('accepts typed arrays and big integers, as a file reader gives them', async () => {
    const plain = await load('llama-bpe')
    const types = ggufMetadataOf('llama-bpe').get('tokenizer.ggml.token_type') as number[]
    const typed = await load('llama-bpe', { token_type: Int32Array.from(types), bos_token_id: 0n })
    const text = '<|im_start|>The <think> text'
    expect(typed.encode(text, { addSpecialTokens: true })).toEqual(plain.encode(text, { addSpecialTokens: true }))
  })

  it('respells ordinary tokens that are written as text', async () => {
    const tokens = [...ggufMetadataOf('smollm').get('tokenizer.ggml.tokens') as string[], '日']
    const types = [...ggufMetadataOf('smollm').get('tokenizer.ggml.token_type') as number[], 1]
    const tokenizer = await load('smollm', { tokens, token_type: types })
    expect(Buffer.from(tokenizer.tokenBytes(tokens.length - 1)).toString()).toBe('日')
  })

  it('names the file that has no tokenizer', async () => {
    await expect(load('smollm', { model: undefined, tokens: undefined })).rejects.toThrow('no tokenizer in tiny.gguf: expected tokenizer.ggml.tokens in its metadata')
  })

  it('names what it does not know or cannot read', async () => {
    await expect(load('smollm', { model: 'bert' })).rejects.toThrow(code('tokenizer_unsupported'))
    await expect(load('smollm', { pre: 'unheard-of' })).rejects.toThrow(/unheard-of is not one of .*smollm/)
    await expect(load('smollm', { tokens: undefined })).rejects.toThrow(/tokenizer.ggml.tokens: is missing/)
    await expect(load('smollm', { tokens: 'abc' })).rejects.toThrow(code('tokenizer_corrupt'))
    await expect(load('smollm', { merges: [1, 2] })).rejects.toThrow(code('tokenizer_corrupt'))
    await expect(load('smollm', { merges: ['no such'] })).rejects.toThrow(code('tokenizer_corrupt'))
    await expect(load('sentencepiece', { scores: [0] })).rejects.toThrow(code('tokenizer_corrupt'))
  })
})
