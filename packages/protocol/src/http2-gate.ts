// Owns the sockets of a gRPC port until they have shown that they speak HTTP/2: others are closed and told of. Keeps gRPC's own view
// of a connection as it was: what was read to look at is given back.
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/** What every HTTP/2 client sends first (RFC 9113, section 3.4). */
const prefaceText = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const preface = Buffer.from(prefaceText)
/** Sockets that have not shown it yet; each waits for at most `prefaceTimeoutMs`. */
const MAX_WAITING = 1024

export interface Refusal {
  /** host:port of the peer. */
  readonly peer: string
  /** At most as many as a preface has. */
  readonly firstBytes: Buffer
}

export interface Http2GateOptions {
  /** Takes a socket that speaks HTTP/2, nothing read. */
  readonly admit: (socket: Socket) => void
  /** A peer that connects and leaves without a word (a probe) is not one. */
  readonly onRefused: (refusal: Refusal) => void
  readonly prefaceTimeoutMs: number
}

export class Http2Gate {
  readonly #server: Server
  readonly #waiting = new Set<Socket>()

  constructor (private readonly options: Http2GateOptions) {
    this.#server = createServer({ noDelay: true }, socket => { this.#watch(socket) })
  }

  /** Resolves with the bound port. */
  listen (host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject)
        const address = this.#server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : port)
      })
    })
  }

  /** Admitted sockets are not its own any more. */
  close (): void {
    this.#server.close()
    for (const socket of this.#waiting) socket.destroy()
  }

  #watch (socket: Socket): void {
    if (this.#waiting.size >= MAX_WAITING) { socket.destroy(); return }
    this.#waiting.add(socket)
    const peer = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`
    let seen: Buffer = Buffer.alloc(0)
    const leave = (): void => {
      clearTimeout(timer)
      this.#waiting.delete(socket)
      socket.off('readable', look).off('end', refuse).off('close', refuse)
    }
    const refuse = (): void => {
      leave()
      socket.destroy()
      if (seen.length > 0) this.options.onRefused({ peer, firstBytes: seen.subarray(0, preface.length) })
    }
    const look = (): void => {
      const chunk: Buffer | null = socket.read()
      if (chunk === null) return
      seen = Buffer.concat([seen, chunk])
      const length = Math.min(seen.length, preface.length)
      if (!seen.subarray(0, length).equals(preface.subarray(0, length))) { refuse(); return }
      if (length < preface.length) return
      leave()
      socket.off('error', ignore)
      socket.unshift(seen)
      this.options.admit(socket)
    }
    const timer = setTimeout(refuse, this.options.prefaceTimeoutMs)
    socket.on('error', ignore).on('readable', look).on('end', refuse).on('close', refuse)
  }
}

/** `close` follows. */
function ignore (): void {}
