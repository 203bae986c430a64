// Owns how our gRPC servers listen: size limits, keepalive, the cluster token. Knows no service.
import { timingSafeEqual } from 'node:crypto'
import { Server, ServerCredentials, ServerInterceptingCall, ServerListenerBuilder, ResponderBuilder, status } from '@grpc/grpc-js'
import type { Metadata, ServerInterceptor } from '@grpc/grpc-js'
import { makeError } from '@tandem/core'
import { protocolErrors } from './errors.js'
import { Http2Gate } from './http2-gate.js'
import type { Refusal } from './http2-gate.js'

/** Largest message either way: one step of prefill for a long prompt stays far below. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024
export const TOKEN_METADATA_KEY = 'tandem-cluster-token'
/** A peer that connected and did not open HTTP/2 is closed after it. */
const PREFACE_TIMEOUT_MS = 10_000

/** Options both sides share; pings find a peer that vanished without a FIN. */
export const channelOptions = Object.freeze({
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1
})

export function isLoopbackHost (host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** Throws `cluster_token_required` for a listener that others could reach without a token. */
export function requireTokenUnlessLoopback (host: string, clusterToken: string): void {
  if (clusterToken === '' && !isLoopbackHost(host)) throw makeError(protocolErrors, 'cluster_token_required', { host })
}

export interface GrpcServerOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly clusterToken: string
  /** Told of every connection that was closed because it sent something else than HTTP/2. */
  readonly onRefused?: (refusal: Refusal) => void
}

export interface GrpcServer {
  readonly server: Server
  /** Call after services were added; resolves with the bound port. Throws `bind_failed`. */
  listen (): Promise<number>
  /** Ends open calls after `graceMs`. */
  close (graceMs?: number): Promise<void>
}

export function createGrpcServer (options: GrpcServerOptions): GrpcServer {
  requireTokenUnlessLoopback(options.host, options.clusterToken)
  const server = new Server({ ...channelOptions, interceptors: [checkToken(options.clusterToken)] })
  // gRPC tells nobody of what it cannot read, so sockets come to it through a gate that does.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const gate = new Http2Gate({
    admit: socket => { injector.injectConnection(socket) },
    onRefused: refusal => { options.onRefused?.(refusal) },
    prefaceTimeoutMs: PREFACE_TIMEOUT_MS
  })
  return {
    server,
    listen: () => bind(gate, options),
    close: (graceMs = 2000) => {
      gate.close()
      return shutdown(server, graceMs)
    }
  }
}

async function bind (gate: Http2Gate, { host, port }: GrpcServerOptions): Promise<number> {
  try {
    return await gate.listen(host, port)
  } catch (error) {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
    throw makeError(protocolErrors, 'bind_failed', { address, reason: error instanceof Error ? error.message : String(error) }, { cause: error })
  }
}

function shutdown (server: Server, graceMs: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(() => { server.forceShutdown(); resolve() }, graceMs)
    server.tryShutdown(() => { clearTimeout(timer); resolve() })
  })
}

function checkToken (clusterToken: string): ServerInterceptor {
  const expected = Buffer.from(clusterToken)
  return (_method, call) => {
    if (clusterToken === '') return new ServerInterceptingCall(call)
    return new ServerInterceptingCall(call, new ResponderBuilder().withStart(next => {
      next(new ServerListenerBuilder().withOnReceiveMetadata((metadata, forward) => {
        if (tokenMatches(metadata, expected)) forward(metadata)
        else call.sendStatus({ code: status.UNAUTHENTICATED, details: protocolErrors.unauthenticated.message })
      }).build())
    }).build())
  }
}

function tokenMatches (metadata: Metadata, expected: Buffer): boolean {
  const given = Buffer.from(String(metadata.get(TOKEN_METADATA_KEY)[0] ?? ''))
  return given.length === expected.length && timingSafeEqual(given, expected)
}
