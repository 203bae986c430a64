import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers'
import { describe, expect, it } from 'vitest'
import { BytePairEncoder } from '../../src/bpe/byte-pair-encoder.js'
import type { ModelJson } from '../../src/tokenizer-json.js'

const refuse = (reason: string): never => { throw new Error(reason) }

/** A deterministic generator (mulberry32). */
function generator (seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A vocabulary over few letters, so that merges overlap and compete. */
function randomModel (seed: number): ModelJson {
  const random = generator(seed)
  const tokens = ['a', 'b', 'c']
  const merges: Array<[string, string]> = []
  while (merges.length < 40) {
    const pair: [string, string] = [tokens[Math.floor(random() * tokens.length)]!, tokens[Math.floor(random() * tokens.length)]!]
    const merged = pair.join('')
    if (tokens.includes(merged) || merged.length > 6) continue
    tokens.push(merged)
    merges.push(pair)
  }
  return { type: 'BPE', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges }
}

/** The library's own merging, as the reference. */
function libraryModel (model: ModelJson): { encode: (words: string[]) => string[] } {
  const json = { model, added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null }
  return new LibraryTokenizer(json, {}).model as { encode: (words: string[]) => string[] }
}

function randomWord (random: () => number): string {
  return Array.from({ length: Math.floor(random() * 40) }, () => 'abc'[Math.floor(random() * 3)]).join('')
}

describe('BytePairEncoder', () => {
  it('merges as the library does', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const model = randomModel(seed)
      const library = libraryModel(model)
      const encoder = new BytePairEncoder(model, refuse)
      const random = generator(seed * 1000)
      for (let i = 0; i < 50; i++) {
        const word = randomWord(random)
        expect(encoder.encode(word), `seed ${seed}, ${word}`).toEqual(library.encode([word]))
      }
    }
  })

  it('takes the leftmost of equal ranks', () => {
    const encoder = new BytePairEncoder({ type: 'BPE', vocab: { a: 0, aa: 1 }, merges: ['a a'] }, refuse)
    expect(encoder.encode('aaa')).toEqual(['aa', 'a'])
  })

  it('emits a whole word of the vocabulary at once when the model ignores merges', () => {
    const model = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2, aba: 3 }, merges: ['a b'] }
    expect(new BytePairEncoder(model, refuse).encode('aba')).toEqual(['ab', 'a'])
    expect(new BytePairEncoder({ ...model, ignore_merges: true }, refuse).encode('aba')).toEqual(['aba'])
  })

  it('spells unknown characters in bytes, as one unknown token, or not at all', () => {
    const bytes = Object.fromEntries(Array.from({ length: 256 }, (_, byte) => [`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, byte]))
    const model = { type: 'BPE', vocab: { ...bytes, a: 256, '?': 257 }, merges: [] }
    expect(new BytePairEncoder({ ...model, byte_fallback: true }, refuse).encode('aé')).toEqual(['a', '<0xC3>', '<0xA9>'])
    expect(new BytePairEncoder({ ...model, unk_token: '?', fuse_unk: true }, refuse).encode('éüaé')).toEqual(['?', 'a', '?'])
    expect(new BytePairEncoder({ ...model, unk_token: '?' }, refuse).encode('éü')).toEqual(['?', '?'])
    expect(new BytePairEncoder(model, refuse).encode('éa')).toEqual(['a'])
  })

  it('refuses merges of tokens that do not exist', () => {
    expect(() => new BytePairEncoder({ type: 'BPE', vocab: { a: 0 }, merges: ['a b'] }, refuse)).toThrow('"b"')
    expect(() => new BytePairEncoder({ type: 'BPE', vocab: { a: 0 }, merges: ['a a'] }, refuse)).toThrow('"aa"')
    expect(() => new BytePairEncoder({ type: 'BPE', vocab: { a: 0 }, merges: ['a'] }, refuse)).toThrow('not a pair')
  })

  it('survives more words than its cache holds', () => {
    const encoder = new BytePairEncoder(randomModel(3), refuse)
    const random = generator(5)
    const word = 'abcabcabc'
    const before = encoder.encode(word)
    for (let i = 0; i < 40_000; i++) encoder.encode(randomWord(random))
    expect(encoder.encode(word)).toEqual(before)
  })
})
