// Owns finding free TCP ports and saying clearly that one is taken.
import { createServer } from 'node:net'
import { makeError } from '@tandem/core'
import { cliErrors } from '../errors.js'

/** Throws `port_busy` or `listen_refused` when nobody could listen there now. */
export async function requireFreePort (host: string, port: number): Promise<void> {
  const code = await tryListen(host, port)
  if (code === undefined) return
  if (code === 'EADDRINUSE') throw makeError(cliErrors, 'port_busy', { host, port })
  throw makeError(cliErrors, 'listen_refused', { host, port, reason: listenReasons[code] ?? code })
}

const listenReasons: Readonly<Record<string, string>> = {
  EACCES: 'this port needs privileges',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'no such host'
}

/** `preferred` where it is free, else one the system picks. */
export async function findFreePort (host: string, preferred: number): Promise<number> {
  if (preferred > 0 && await tryListen(host, preferred) === undefined) return preferred
  const server = createServer()
  return await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

function tryListen (host: string, port: number): Promise<string | undefined> {
  const server = createServer()
  return new Promise(resolve => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}
