import { greedySampling } from '@tandem/core'
import { expect, test } from 'vitest'
import { Sequence } from '../../src/core/sequence.js'
import { WaitingQueue } from '../../src/core/waiting-queue.js'

const sequence = (arrival: number): Sequence => new Sequence({
  requestId: `r${arrival}`, gatewayId: 1, arrival, promptTokenIds: [1], outputTokenIds: [], maxTokens: 1, sampling: greedySampling
})

test('keeps the order of arrival, whatever the order of adding', () => {
  const queue = new WaitingQueue()
  const sequences = [4, 1, 3, 2].map(sequence)
  for (const each of sequences) queue.add(each)
  expect([...queue].map(({ arrival }) => arrival)).toEqual([1, 2, 3, 4])
  queue.remove(sequences[2]!)
  queue.removeAt(0)
  expect([...queue].map(({ arrival }) => arrival)).toEqual([2, 4])
  expect(queue.at(1)).toBe(sequences[0])
})

test('asserts on removing what is not there and on adding what does not wait', () => {
  const queue = new WaitingQueue()
  const running = sequence(1)
  expect(() => { queue.remove(running) }).toThrow('not in the waiting queue')
  running.status = 'running'
  expect(() => { queue.add(running) }).toThrow('waits while running')
})
