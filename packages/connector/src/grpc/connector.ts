// Owns the portable fallback: the frames of frame-layout.ts as messages of FfnConnector.Exchange. The cluster
// token travels as call metadata (packages/protocol) and, as on every connector, as a digest in the hello.
import { status } from '@grpc/grpc-js'
import type { ServiceError } from '@grpc/grpc-js'
import { createFfnConnectorClient, createGrpcServer, FfnConnectorClientConstructor, MAX_MESSAGE_BYTES } from '@tandem/protocol'
import type { FfnConnectorClient, FfnConnectorHandlers } from '@tandem/protocol'
import { connectFailed, openChannel } from '../channel.js'
import { errorOfStatus } from '../errors.js'
import { requireTokenForListener } from '../handshake.js'
import { ListenerCore, listenerOf } from '../listener.js'
import { formatAddress } from '../tcp/connector.js'
import type { ConnectOptions, Connector, FfnChannel, FfnListener, ListenOptions } from '../types.js'
import { StreamPipe } from './stream-pipe.js'

/** Answers still being written when a channel or listener closes get this long. */
const CLOSE_GRACE_MS = 200
/** Room for the message around a frame. */
const ENVELOPE_BYTES = 64

export interface GrpcConnectorOptions {
  /** Sent with every call and expected of every peer. */
  readonly clusterToken: string
}

export function createGrpcConnector ({ clusterToken }: GrpcConnectorOptions): Connector {
  return {
    kind: 'grpc',
    connect: (endpoint, options) => connect(endpoint.address, clusterToken, options),
    listen: options => listen(clusterToken, options)
  }
}

async function connect (address: string, clusterToken: string, options: ConnectOptions): Promise<FfnChannel> {
  const client = createFfnConnectorClient(address, clusterToken)
  let isRefused = false
  try {
    await untilReady(client, options.connectTimeoutMs)
    const call = client.Exchange()
    call.on('error', (error: ServiceError) => { isRefused = error.code === status.UNAUTHENTICATED })
    const pipe = new StreamPipe(call, address, () => {
      const timer = setTimeout(() => { call.cancel() }, CLOSE_GRACE_MS)
      call.once('close', () => { clearTimeout(timer) })
    })
    const channel = await openChannel('grpc', pipe, options)
    channel.onClose(() => { client.close() })
    return channel
  } catch (error) {
    client.close()
    throw isRefused ? errorOfStatus('unauthorized', 'by call metadata') : connectFailed('grpc', address, error)
  }
}

function untilReady (client: FfnConnectorClient, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + timeoutMs, error => { error ? reject(error) : resolve() })
  })
}

async function listen (clusterToken: string, options: ListenOptions): Promise<FfnListener> {
  requireTokenForListener(options)
  const maxFrameBytes = Math.min(options.maxFrameBytes, MAX_MESSAGE_BYTES - ENVELOPE_BYTES)
  const core = new ListenerCore({ ...options, maxFrameBytes })
  const grpc = createGrpcServer({ host: options.host, port: options.port, clusterToken, onRefused: () => { core.countStranger() } })
  const handlers: FfnConnectorHandlers = {
    Exchange: call => { core.attach(new StreamPipe(call, call.getPeer(), () => {})) }
  }
  grpc.server.addService(FfnConnectorClientConstructor.service, handlers)
  const port = await grpc.listen()
  return listenerOf(core, 'grpc', formatAddress(options.advertiseHost, port), () => grpc.close(CLOSE_GRACE_MS))
}
