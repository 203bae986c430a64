import { expect, test, vi } from 'vitest'
import type { Logger } from 'pino'
import { RefusedConnections } from '../../src/grpc/refused-connections.js'
import { ManualClock } from '../support/manual-clock.js'

test('counts every one, and logs at most one in ten seconds with the number since', () => {
  const warn = vi.fn()
  const clock = new ManualClock()
  const refused = new RefusedConnections({ warn } as unknown as Logger, clock)
  const add = (): void => { refused.add({ peer: '127.0.0.1:1', firstBytes: Buffer.from('GET /\n') }) }
  for (let i = 0; i < 1000; i++) add()
  clock.advance(9_999)
  add()
  expect(warn).toHaveBeenCalledTimes(1)
  expect(warn.mock.calls[0]![0]).toEqual({ peer: '127.0.0.1:1', firstBytes: 'GET /\n', numSinceLast: 1 })
  clock.advance(1)
  add()
  expect(warn.mock.calls[1]![0]).toMatchObject({ numSinceLast: 1001 })
  expect(refused.count).toBe(1002)
})
