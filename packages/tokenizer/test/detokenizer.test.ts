import { beforeAll, describe, expect, it } from 'vitest'
import { loadTokenizer } from '../src/load.js'
import { createDetokenizer } from '../src/tokenizer.js'
import type { Tokenizer } from '../src/tokenizer.js'
import { goldenPath, samples } from './support/golden.js'

let byteLevel: Tokenizer
let sentencePiece: Tokenizer

beforeAll(async () => {
  byteLevel = await loadTokenizer({ kind: 'hf', directory: goldenPath('smollm') })
  sentencePiece = await loadTokenizer({ kind: 'hf', directory: goldenPath('sentencepiece') })
})

function deltas (tokenizer: Tokenizer, ids: readonly number[], atStart = true): string[] {
  const detokenizer = createDetokenizer(tokenizer, { atStart })
  return [...ids.map(id => detokenizer.push(id)), detokenizer.end()]
}

const idsOfBytes = (tokenizer: Tokenizer, bytes: readonly number[]): number[] =>
  bytes.map(byte => Array.from({ length: tokenizer.numIds }, (_, id) => id)
    .find(id => tokenizer.tokenBytes(id).length === 1 && tokenizer.tokenBytes(id)[0] === byte)!)

describe('detokenizer', () => {
  it('adds up to the text, whatever the sample', () => {
    for (const tokenizer of [byteLevel, sentencePiece]) {
      for (const text of samples.texts) {
        const ids = tokenizer.encode(text, { addSpecialTokens: false })
        expect(deltas(tokenizer, ids).join('')).toBe(tokenizer.decode(ids))
      }
    }
  })

  it('never ends a delta inside a code point', () => {
    const text = '👩‍👩‍👧‍👦 日本語 é'
    const parts = deltas(byteLevel, byteLevel.encode(text, { addSpecialTokens: false }))
    expect(parts.join('')).toBe(text)
    expect(parts.filter(part => part.includes('\ufffd'))).toEqual([])
    expect(parts.filter(part => /[\ud800-\udbff]$|^[\udc00-\udfff]/.test(part))).toEqual([])
  })

  it('holds back byte by byte and shows a character when it is complete', () => {
    for (const tokenizer of [byteLevel, sentencePiece]) {
      const parts = deltas(tokenizer, idsOfBytes(tokenizer, [0xf0, 0x9f, 0x98, 0x80, 0x21]), false)
      expect(parts).toEqual(['', '', '', '😀', '!', ''])
    }
  })

  it('shows bytes that cannot complete as replacement characters', () => {
    expect(deltas(byteLevel, idsOfBytes(byteLevel, [0x80, 0x41]))).toEqual(['\ufffd', 'A', ''])
    expect(deltas(byteLevel, idsOfBytes(byteLevel, [0xe2, 0x82, 0x41]))).toEqual(['', '', '\ufffdA', ''])
    expect(deltas(byteLevel, idsOfBytes(byteLevel, [0xe2, 0x82]))).toEqual(['', '', '\ufffd'])
    expect(deltas(byteLevel, idsOfBytes(byteLevel, [0xff, 0xf5, 0xc0]))).toEqual(['\ufffd', '\ufffd', '\ufffd', ''])
  })

  it('decodes any bytes as a decoder that sees all at once', () => {
    const bytes = Array.from({ length: 2000 }, (_, i) => (i * 7919 + (i >> 3) * 104_729) & 0xff)
    expect(deltas(byteLevel, idsOfBytes(byteLevel, bytes)).join('')).toBe(Buffer.from(bytes).toString('utf8'))
  })

  it('skips special tokens unless told otherwise', () => {
    const ids = byteLevel.encode('<|im_start|>Hi<|im_end|>', { addSpecialTokens: false })
    expect(byteLevel.decode(ids)).toBe('Hi')
    expect(byteLevel.decode(ids, { skipSpecialTokens: false })).toBe('<|im_start|>Hi<|im_end|>')
    expect(byteLevel.isSpecial(ids[0]!)).toBe(true)
  })

  it('keeps the space a SentencePiece output starts with when it continues a prompt', () => {
    const ids = sentencePiece.encode('text', { addSpecialTokens: false })
    expect(deltas(sentencePiece, ids, false).join('')).toBe(' text')
    expect(deltas(sentencePiece, ids, true).join('')).toBe('text')
  })

  it('has no bytes for ids the vocabulary does not have', () => {
    expect(byteLevel.tokenBytes(byteLevel.numIds + 5)).toHaveLength(0)
    expect(deltas(byteLevel, [byteLevel.numIds + 5])).toEqual(['', ''])
  })
})
