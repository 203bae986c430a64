import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { findFreePort, requireFreePort } from '../../src/launcher/ports.js'

let server: Server | undefined
afterEach(() => { server?.close() })

async function occupyPort (): Promise<number> {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('a busy port is refused by name', async () => {
  const port = await occupyPort()
  await expect(requireFreePort('127.0.0.1', port)).rejects.toMatchObject({
    code: 'port_busy', message: `port ${port} on 127.0.0.1 is in use: stop what listens there or choose another with --port`
  })
})

test('an address that is not ours is refused', async () => {
  await expect(requireFreePort('192.0.2.1', 8000)).rejects.toMatchObject({ code: 'listen_refused' })
})

test('a busy preferred port is replaced by a free one', async () => {
  const busy = await occupyPort()
  const port = await findFreePort('127.0.0.1', busy)
  expect(port).not.toBe(busy)
  await requireFreePort('127.0.0.1', port)
  expect(await findFreePort('127.0.0.1', port)).toBe(port)
})
