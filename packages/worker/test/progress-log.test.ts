import { pino } from 'pino'
import { expect, it } from 'vitest'
import { logProgress } from '../src/progress-log.js'

function progressOf (calls: ReadonlyArray<readonly [number, number]>): number[] {
  const lines: number[] = []
  const logger = pino({}, { write: (line: string) => { lines.push((JSON.parse(line) as { progress: number }).progress) } })
  const report = logProgress(logger, 'loading weights')
  for (const [done, total] of calls) report(done, total)
  return lines
}

it('writes a line per twentieth', () => {
  const lines = progressOf(Array.from({ length: 1001 }, (_, i) => [i, 1000] as const))
  expect(lines).toHaveLength(21)
  expect(lines[0]).toBe(0)
  expect(lines.at(-1)).toBe(1)
})

it('is complete when there is nothing to load, and starts again with the next load', () => {
  expect(progressOf([[0, 0]])).toEqual([1])
  expect(progressOf([[10, 10], [0, 10], [10, 10]])).toEqual([1, 0, 1])
})
