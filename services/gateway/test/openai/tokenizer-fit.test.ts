import { pino } from 'pino'
import { expect, test } from 'vitest'
import { checkFit } from '../../src/openai/tokenizer-fit.js'

function check (numTextIds: number, numIds: number, vocabSize: number): string[] {
  const lines: string[] = []
  checkFit({ numTextIds, numIds }, vocabSize, pino({}, { write: line => { lines.push(line) } }))
  return lines
}

test('a vocabulary as large as the tokenizer, or padded, is quiet', () => {
  expect(check(98, 100, 100)).toEqual([])
  expect(check(98, 100, 128)).toEqual([])
})

test('text the model has no rows for is refused, naming both sizes', () => {
  expect(() => check(101, 101, 100)).toThrow('encodes text to 101 token ids, the model has a vocabulary of 100')
})

test('added tokens the model has no rows for are warned of, naming both sizes', () => {
  expect(check(100, 102, 100).map(line => JSON.parse(line) as unknown)).toMatchObject([{ level: 40, numIds: 102, vocabSize: 100 }])
})
