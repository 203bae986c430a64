import { describe, expect, test } from 'vitest'
import { splitIntoUbatches } from '../../src/core/ubatches.js'

function split (tokens: readonly number[], maxUbatches: number): number[] {
  const lines = tokens.map((numScheduledTokens, seqId) => ({ seqId, numComputedTokens: 0, numScheduledTokens, ubatchIdx: -1, newBlockIds: [] }))
  const numUbatches = splitIntoUbatches(lines, tokens.reduce((sum, count) => sum + count, 0), maxUbatches)
  expect(new Set(lines.map(({ ubatchIdx }) => ubatchIdx)).size).toBe(numUbatches)
  return lines.map(({ ubatchIdx }) => ubatchIdx)
}

describe('splitIntoUbatches', () => {
  test.each([
    [[1, 1, 1, 1, 1, 1], 3, [0, 0, 1, 1, 2, 2]],
    [[1, 1, 1, 1, 1], 3, [0, 0, 1, 2, 2]],
    [[1], 3, [0]],
    [[], 3, []],
    [[1, 1], 4, [0, 1]],
    [[1, 1, 1, 1], 1, [0, 0, 0, 0]],
    [[1, 1, 100], 3, [0, 0, 1]],
    [[50, 1, 1, 50], 2, [0, 0, 1, 1]]
  ])('%j into at most %i', (tokens, maxUbatches, groups) => {
    expect(split(tokens, maxUbatches)).toEqual(groups)
  })

  test('groups are contiguous and equal lines are dealt evenly', () => {
    for (let numLines = 1; numLines <= 40; numLines++) {
      for (let maxUbatches = 1; maxUbatches <= 5; maxUbatches++) {
        const groups = split(new Array<number>(numLines).fill(1), maxUbatches)
        expect(groups).toEqual([...groups].sort((a, b) => a - b))
        const sizes = Array.from({ length: groups.at(-1)! + 1 }, (_, group) => groups.filter(each => each === group).length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }
    }
  })
})
