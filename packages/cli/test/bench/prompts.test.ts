import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { promptSource } from '../../src/bench/prompts.js'
import { seededRandom } from '../../src/bench/random.js'

const options = { promptTokens: 12, promptIds: false, promptFile: undefined }

test('made-up prompts have the asked length, differ, and repeat with the seed', () => {
  const prompts = (seed: number) => {
    const next = promptSource(options, seededRandom(seed))
    return [next(), next()]
  }
  const [first, second] = prompts(1)
  expect(String(first).split(' ')).toHaveLength(12)
  expect(first).not.toBe(second)
  expect(prompts(1)).toEqual([first, second])
})

test('ids are exact and in range', () => {
  const ids = promptSource({ ...options, promptIds: true }, seededRandom(1))() as number[]
  expect(ids).toHaveLength(12)
  expect(ids.every(id => Number.isInteger(id) && id >= 1_000 && id < 20_000)).toBe(true)
})

test('lines of a file come in turn', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-test-'))
  const promptFile = join(folder, 'prompts.txt')
  writeFileSync(promptFile, 'one\n\ntwo\n')
  const next = promptSource({ ...options, promptFile }, seededRandom(1))
  expect([next(), next(), next()]).toEqual(['one', 'two', 'one'])
  rmSync(folder, { recursive: true })
  expect(() => promptSource({ ...options, promptFile }, seededRandom(1))).toThrow(`cannot read ${promptFile}: no such file or directory`)
})
