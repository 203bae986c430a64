import { loadTokenizer } from '@tandem/tokenizer'
import { expect, test } from 'vitest'
import { outputOffsets, promptOffsets } from '../../src/openai/text-offsets.js'
import type { TextOffsets } from '../../src/openai/text-offsets.js'
import { EOS, tinyDirectory } from '../support/gateway.js'

const tokenizer = await loadTokenizer({ kind: 'hf', directory: tinyDirectory })
const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })
const all = (offsets: TextOffsets, tokenIds: readonly number[]) => tokenIds.map(tokenId => offsets.next(tokenId))

test('the pieces of a character begin where it does, and one character counts once', () => {
  const tokenIds = encode('a🚀b')
  expect(tokenIds.length).toBeGreaterThan(3)
  const inside = tokenIds.slice(1, -1).map(() => 1)
  expect(all(outputOffsets(tokenizer, true, ''), tokenIds)).toEqual([0, ...inside, 2])
  expect(all(outputOffsets(tokenizer, true, '🚀 '), tokenIds)).toEqual([2, ...inside.map(() => 3), 4])
})

test('special tokens count only where they are part of the text', () => {
  const tokenIds = [...encode('a'), EOS, ...encode('b')]
  const length = '<|im_end|>'.length
  expect(all(outputOffsets(tokenizer, true, ''), tokenIds)).toEqual([0, 1, 1])
  expect(all(outputOffsets(tokenizer, false, ''), tokenIds)).toEqual([0, 1, 1 + length])
  expect(all(promptOffsets(tokenizer, 'ab'), tokenIds)).toEqual([0, 1, 1])
  expect(all(promptOffsets(tokenizer, 'a<|im_end|>b'), tokenIds)).toEqual([0, 1, 1 + length])
})

test('offsets stay inside a prompt that decodes to more than was written', () => {
  expect(all(promptOffsets(tokenizer, 'a'), encode('aab'))).toEqual([0, 1, 1].slice(0, encode('aab').length))
})
