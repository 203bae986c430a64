import { expect, test } from 'vitest'
import { extendBlockHashes, rootHash } from '../src/index.js'

const root = rootHash('model-a')
function hashesOf (tokenIds: number[], blockSize = 4, from = root): string[] {
  const hashes: string[] = []
  extendBlockHashes(hashes, from, tokenIds, blockSize)
  return hashes
}

test('only full blocks have a hash, and growing gives the same chain as starting over', () => {
  const tokenIds = Array.from({ length: 11 }, (_, index) => index * 70_000)
  const hashes = hashesOf(tokenIds.slice(0, 5))
  expect(hashes).toHaveLength(1)
  extendBlockHashes(hashes, root, tokenIds, 4)
  expect(hashes).toEqual(hashesOf(tokenIds))
  expect(hashes).toHaveLength(2)
  expect(hashes[0]).toMatch(/^[0-9a-f]{32}$/)
})

test('a hash names the whole prefix, not the block alone', () => {
  const left = hashesOf([1, 2, 3, 4, 9, 9, 9, 9])
  const right = hashesOf([1, 2, 3, 5, 9, 9, 9, 9])
  expect(left[1]).not.toBe(right[1])
  expect(hashesOf([1, 2, 3, 4, 8, 8, 8, 8])[0]).toBe(left[0])
})

test('the salt separates models and token ids keep their 32 bits', () => {
  expect(hashesOf([1, 2, 3, 4])).not.toEqual(hashesOf([1, 2, 3, 4], 4, rootHash('model-b')))
  expect(hashesOf([1, 2, 3, 4])).not.toEqual(hashesOf([65_537, 2, 3, 4]))
})

test('maxBlocks bounds the work', () => {
  const hashes: string[] = []
  extendBlockHashes(hashes, root, Array.from({ length: 64 }, (_, index) => index), 4, 3)
  expect(hashes).toHaveLength(3)
})
