import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { cutGolden, defaultGoldenPath, readGolden } from '../../src/accuracy/golden.js'

const folder = mkdtempSync(join(tmpdir(), 'tandem-test-'))
afterAll(() => { rmSync(folder, { recursive: true }) })

function write (content: string): string {
  const path = join(folder, 'golden.json')
  writeFileSync(path, content)
  return path
}

test('the golden of the shipped model is there', () => {
  const golden = readGolden(defaultGoldenPath)
  expect(golden.tokenIds.length).toBeGreaterThan(500)
  expect(golden.top1).toHaveLength(golden.tokenIds.length - 1)
  expect(golden.oracle).toContain('float32')
})

test.each([
  ['{', 'it is not JSON'],
  ['{}', 'must be lists of numbers'],
  ['{"token_ids":[1,2],"top1":["2"],"logprobs":[0]}', 'must be lists of numbers'],
  ['{"token_ids":[1,2,3],"top1":[2],"logprobs":[0]}', 'one shorter than token_ids']
])('%s is refused', (content, reason) => {
  expect(() => readGolden(write(content))).toThrow(reason)
})

test('fewer positions keep their tokens', () => {
  const golden = readGolden(write('{"oracle":"x","token_ids":[1,2,3],"top1":[2,3],"logprobs":[-1,-2]}'))
  expect(cutGolden(golden, 1)).toEqual({ oracle: 'x', tokenIds: [1, 2], top1: [2], logprobs: [-1] })
  expect(cutGolden(golden, 0)).toBe(golden)
  expect(cutGolden(golden, 9)).toBe(golden)
})
