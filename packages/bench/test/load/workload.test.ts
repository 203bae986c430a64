import { expect, test } from 'vitest'
import { decodeWorkload, parseUsers, prefillWorkload, promptsOf } from '../../src/load/workload.js'

test('few users start several times in a round, many once', () => {
  expect(decodeWorkload(1, 4, 96)).toMatchObject({ name: 'decode_1', label: 'decode, 1 user', numUsers: 1, numWaves: 3, counts: 'output' })
  expect(decodeWorkload(2, 4, 96).numWaves).toBe(2)
  expect(decodeWorkload(32, 4, 96)).toMatchObject({ label: 'decode, 32 users', numWaves: 1 })
  expect(prefillWorkload(4, 512)).toMatchObject({ name: 'prefill', numUsers: 4, maxTokens: 1, numWaves: 1, counts: 'prompt' })
})

test('prompts are the same for every server and new in every round and wave', () => {
  const workload = prefillWorkload(4, 64)
  const prompts = promptsOf(workload, 1, 1, 0)
  expect(promptsOf(workload, 1, 1, 0)).toEqual(prompts)
  expect(prompts.map(prompt => prompt.split(' ').length)).toEqual([64, 64, 64, 64])
  const others = [[1, 2, 0], [1, -1, 0], [1, -2, 0], [1, 1, 1], [2, 1, 0]] as const
  const all = [prompts, ...others.map(([seed, round, wave]) => promptsOf(workload, seed, round, wave))].flat()
  // No KV block of 16 tokens may be found again.
  expect(new Set(all.map(prompt => prompt.split(' ').slice(0, 16).join(' '))).size).toBe(all.length)
})

test('numbers of users are read once each, and nonsense is refused', () => {
  expect(parseUsers('1,8,32')).toEqual([1, 8, 32])
  expect(parseUsers('4, 4')).toEqual([4])
  for (const text of ['', '0', '1.5', 'x', '2000']) expect(() => parseUsers(text)).toThrow(`--users ${text}: wanted`)
})
