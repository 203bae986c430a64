// Owns how our gRPC servers listen: size limits, keepalive, the cluster token. Knows no service.
import { timingSafeEqual } from 'node:crypto'
import { Server, ServerCredentials, ServerInterceptingCall, ServerListenerBuilder, ResponderBuilder, status } from '@grpc/grpc-js'
import type { Metadata, ServerInterceptor } from '@grpc/grpc-js'
import { makeError } from '@tandem/core'
import { protocolErrors } from './errors.js'

/** Largest message either way: one step of prefill for a long prompt stays far below. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024
export const TOKEN_METADATA_KEY = 'tandem-cluster-token'

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
  return {
    server,
    listen: () => bind(server, options),
    close: (graceMs = 2000) => shutdown(server, graceMs)
  }
}

function bind (server: Server, options: GrpcServerOptions): Promise<number> {
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  const address = `${host}:${options.port}`
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(makeError(protocolErrors, 'bind_failed', { address, reason: error.message }, { cause: error }))
      else resolve(port)
    })
  })
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
