// One way to drive every connector, and a door below the channel: raw bytes as a hostile or broken peer would send
// them. loopback has no bytes, so it has no door.
import { connect } from 'node:net'
import { createFfnConnectorClient } from '@tandem/protocol'
import { withResolvers } from '@tandem/core'
import type { FfnEndpoint } from '@tandem/core'
import { decodeFrame } from '../../src/frame-codec.js'
import { createGrpcConnector } from '../../src/grpc/connector.js'
import { createLoopbackConnector } from '../../src/loopback.js'
import { createTcpConnector, parseAddress } from '../../src/tcp/connector.js'
import { FrameStreamParser } from '../../src/tcp/stream-parser.js'
import type { Connector, Frame } from '../../src/types.js'

export interface RawPeer {
  write (bytes: Uint8Array): void
  /** The next frame the listener sends. */
  next (): Promise<Frame>
  /** Sends what was written, then closes. */
  end (): void
  /** Breaks the connection as a killed process would. */
  kill (): void
  readonly closed: Promise<void>
}

export interface Harness {
  readonly name: string
  create (token?: string): Connector
  openRaw?: (endpoint: FfnEndpoint) => Promise<RawPeer>
}

const loopback = createLoopbackConnector()

export const harnesses: readonly Harness[] = [
  { name: 'loopback', create: () => loopback },
  { name: 'tcp', create: createTcpConnector, openRaw: openTcp },
  { name: 'grpc', create: (token = 'secret') => createGrpcConnector({ clusterToken: token }), openRaw: openGrpc }
]

class Inbox {
  readonly #frames: Frame[] = []
  readonly #waiting: Array<(frame: Frame) => void> = []

  push (frame: Frame): void {
    const waiter = this.#waiting.shift()
    if (waiter === undefined) this.#frames.push(frame)
    else waiter(frame)
  }

  next (): Promise<Frame> {
    const frame = this.#frames.shift()
    return frame === undefined ? new Promise(resolve => { this.#waiting.push(resolve) }) : Promise.resolve(frame)
  }
}

async function openTcp ({ address }: FfnEndpoint): Promise<RawPeer> {
  const socket = connect({ ...parseAddress(address), noDelay: true })
  const inbox = new Inbox()
  const closed = withResolvers()
  const parser = new FrameStreamParser(1 << 30, { onFrame: frame => { inbox.push(frame) }, onRefused: error => { throw error } })
  socket.on('data', chunk => { parser.push(chunk) })
  socket.on('error', () => {})
  socket.on('close', () => { closed.resolve() })
  await new Promise<void>(resolve => { socket.once('connect', resolve) })
  return {
    write: bytes => { socket.write(bytes) },
    next: () => inbox.next(),
    end: () => { socket.end() },
    kill: () => { socket.resetAndDestroy() },
    closed: closed.promise
  }
}

async function openGrpc ({ address }: FfnEndpoint): Promise<RawPeer> {
  const client = createFfnConnectorClient(address, 'secret')
  const call = client.Exchange()
  const inbox = new Inbox()
  const closed = withResolvers()
  call.on('data', ({ frame }: { frame: Buffer }) => { inbox.push(decodeFrame(frame)) })
  call.on('error', () => {})
  call.on('status', () => { client.close(); closed.resolve() })
  return {
    write: bytes => { call.write({ frame: bytes }) },
    next: () => inbox.next(),
    end: () => { call.end() },
    kill: () => { call.cancel() },
    closed: closed.promise
  }
}
