import { describe, expect, it } from 'vitest'
import type { Ubatch } from '@tandem/engine'
import { PagedRows } from '../../../src/reference/attention/kv-cache.js'
import { pagedAttention } from '../../../src/reference/attention/paged-attention.js'
import { randomFloats } from '../float-matrix.js'

const shape = { numHeads: 4, numKvHeads: 2, keyDim: 3, valueDim: 2, scale: 0.7 }

/** Sequence of 5 tokens over blocks of 2, with unordered block ids. */
const ubatch = (startPosition: number, numTokens: number): Ubatch => ({
  tokenIds: new Int32Array(numTokens),
  sequences: [{ firstRow: 0, numTokens, startPosition, blockTable: Int32Array.of(3, 0, 2) }]
})
const queries = randomFloats(5 * 12, 1)
const keyRows = randomFloats(5 * 6, 2)
const valueRows = randomFloats(5 * 4, 3)

function filledPool (): { keys: PagedRows, values: PagedRows } {
  const keys = new PagedRows(4, 2, 6)
  const values = new PagedRows(4, 2, 4)
  keys.write(ubatch(0, 5), keyRows)
  values.write(ubatch(0, 5), valueRows)
  return { keys, values }
}

describe('pagedAttention', () => {
  it('is causal softmax attention with shared KV heads', () => {
    const { keys, values } = filledPool()
    const out = pagedAttention(queries, keys, values, ubatch(0, 5), shape)
    for (let t = 0; t < 5; t++) {
      for (let head = 0; head < 4; head++) {
        const kvHead = head >> 1
        const scores = Array.from({ length: t + 1 }, (_, j) => {
          let sum = 0
          for (let i = 0; i < 3; i++) sum += queries[(t * 4 + head) * 3 + i]! * keyRows[j * 6 + kvHead * 3 + i]!
          return Math.exp(0.7 * sum)
        })
        const total = scores.reduce((a, b) => a + b)
        for (let i = 0; i < 2; i++) {
          const expected = scores.reduce((sum, score, j) => sum + score / total * valueRows[j * 4 + kvHead * 2 + i]!, 0)
          expect(out[(t * 4 + head) * 2 + i]).toBeCloseTo(expected, 6)
        }
      }
    }
  })

  it('gives the same bits in chunks', () => {
    const { keys, values } = filledPool()
    const whole = pagedAttention(queries, keys, values, ubatch(0, 5), shape)
    expect(pagedAttention(queries.subarray(3 * 12), keys, values, ubatch(3, 2), shape)).toEqual(whole.subarray(3 * 8))
  })
})

describe('PagedRows', () => {
  it('puts position p in slot blockTable[p / blockSize] * blockSize + p % blockSize', () => {
    const rows = new PagedRows(4, 2, 6)
    expect([0, 1, 2, 3, 4].map(position => rows.offsetOf(Int32Array.of(3, 0, 2), position) / 6)).toEqual([6, 7, 0, 1, 4])
  })
})
