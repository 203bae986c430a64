import { expect, it } from 'vitest'
import { ComputeTurn } from '../../src/pipeline/compute-turn.js'

const clockAt = (times: number[]) => ({ nowMs: () => times.shift() ?? 0, after: () => () => {} })

it('lets the event loop run between two turns, in the order they were asked for', async () => {
  const turn = new ComputeTurn(clockAt([]))
  const order: string[] = []
  const note = (name: string) => () => { order.push(name) }
  setImmediate(note('socket'))
  const first = turn.run(note('first'))
  const second = turn.run(note('second'))
  const third = turn.run(note('third'))
  await Promise.all([first, second, third])
  expect(order).toEqual(['first', 'socket', 'second', 'third'])
})

it('adds up the time of the work only, and passes on after an error', async () => {
  const turn = new ComputeTurn(clockAt([10, 13, 20, 24]))
  await expect(turn.run(() => { throw new Error('no') })).rejects.toThrow('no')
  expect(await turn.run(() => 7)).toBe(7)
  expect(turn.busyMs).toBe(7)
})
