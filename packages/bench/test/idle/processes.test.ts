import { expect, test } from 'vitest'
import { descendants, parseResidentBytes, parseStat } from '../../src/idle/processes.js'

test('CPU time is read after a command that holds blanks and brackets', () => {
  const line = '42 (tandem (a) b) S 7 42 42 0 -1 4194304 100 0 0 0 150 25 0 0 20 0 11 0 1000 0 0'
  expect(parseStat(line)).toEqual({ pid: 42, parentPid: 7, cpuSeconds: 1.75 })
  expect(parseStat('')).toBeUndefined()
})

test('resident memory', () => {
  expect(parseResidentBytes('Name:\tnode\nVmRSS:\t   2048 kB\nThreads:\t1\n')).toBe(2_097_152)
  expect(parseResidentBytes('Name:\tkthreadd\n')).toBeUndefined()
})

test('the tree holds the process and everything below it, and nothing beside it', () => {
  const process = (pid: number, parentPid: number) => ({ pid, parentPid, cpuSeconds: 0 })
  const processes = [process(1, 0), process(10, 1), process(11, 10), process(12, 11), process(20, 1)]
  expect(descendants(10, processes).map(({ pid }) => pid)).toEqual([10, 11, 12])
  expect(descendants(99, processes)).toEqual([])
})
