// Owns the portable tcp connector: node:net sockets that carry the frames of frame-layout.ts back to back. The
// native tcp speaks the same bytes.
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { makeError } from '@tandem/core'
import { connectFailed, openChannel } from '../channel.js'
import { connectorErrors } from '../errors.js'
import { requireTokenForListener } from '../handshake.js'
import { ListenerCore, listenerOf, MAX_CHANNELS } from '../listener.js'
import type { Connector, FfnListener, ListenOptions } from '../types.js'
import { SocketPipe } from './socket-pipe.js'

export function createTcpConnector (): Connector {
  return {
    kind: 'tcp',
    async connect (endpoint, options) {
      const socket = await dial(endpoint.address, options.connectTimeoutMs)
      return await openChannel('tcp', new SocketPipe(socket, endpoint.address), options)
    },
    listen
  }
}

/** Splits `host:port` and `[v6]:port`. */
export function parseAddress (address: string): { host: string, port: number } {
  const colon = address.lastIndexOf(':')
  const port = Number(address.slice(colon + 1))
  const host = address.slice(0, Math.max(colon, 0)).replace(/^\[(.*)\]$/, '$1')
  if (host === '' || !Number.isInteger(port) || port < 1 || port > 65535) {
    throw makeError(connectorErrors, 'connect_failed', { address, connector: 'tcp', reason: 'not an address of the form host:port' })
  }
  return { host, port }
}

export function formatAddress (host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function dial (address: string, timeoutMs: number): Promise<Socket> {
  const { host, port } = parseAddress(address)
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    const fail = (cause: unknown): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(connectFailed('tcp', address, cause))
    }
    const timer = setTimeout(() => { fail(`no answer within ${timeoutMs} ms`) }, timeoutMs)
    socket.once('error', fail)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      resolve(socket)
    })
  })
}

async function listen (options: ListenOptions): Promise<FfnListener> {
  requireTokenForListener(options)
  const core = new ListenerCore(options)
  const server = createServer({ noDelay: true }, socket => {
    core.attach(new SocketPipe(socket, formatAddress(socket.remoteAddress ?? 'unknown', socket.remotePort ?? 0)))
  })
  server.maxConnections = MAX_CHANNELS
  const port = await bind(server, options)
  return listenerOf(core, 'tcp', formatAddress(options.advertiseHost, port), () => new Promise(resolve => {
    server.close(() => { resolve() })
  }))
}

function bind (server: Server, options: ListenOptions): Promise<number> {
  const address = formatAddress(options.host, options.port)
  return new Promise((resolve, reject) => {
    server.once('error', cause => {
      reject(makeError(connectorErrors, 'listen_failed', { address, reason: cause.message }, { cause }))
    })
    server.listen({ host: options.host, port: options.port }, () => { resolve((server.address() as AddressInfo).port) })
  })
}
