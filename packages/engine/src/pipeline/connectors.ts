// Owns which connectors the pipelined engines use: those written in TypeScript.
import { makeError } from '@tandem/core'
import type { ConnectorKind } from '@tandem/core'
import { createGrpcConnector, createTcpConnector } from '@tandem/connector'
import type { Connector, FfnListener, ListenOptions } from '@tandem/connector'
import { engineErrors } from '../errors.js'
import type { BackendKind } from '../types.js'

/** Connectors for an option's value, best first. Throws `connector_unavailable` for those only a native engine has. */
export function connectorsFor (kind: ConnectorKind | 'auto', backend: BackendKind, clusterToken: string): Connector[] {
  const all = [createTcpConnector(), createGrpcConnector({ clusterToken })]
  const chosen = all.filter(connector => kind === 'auto' || connector.kind === kind)
  if (chosen.length > 0) return chosen
  throw makeError(engineErrors, 'connector_unavailable', { backend, connector: kind, spoken: 'tcp, grpc' })
}

/**
 * One listener per connector. A given port is the first connector's, the next ones take those that follow; port 0
 * picks any.
 */
export async function listenOnAll (connectors: readonly Connector[], options: ListenOptions): Promise<FfnListener[]> {
  const listeners: FfnListener[] = []
  try {
    for (const connector of connectors) {
      const port = options.port === 0 ? 0 : options.port + listeners.length
      listeners.push(await connector.listen({ ...options, port }))
    }
    return listeners
  } catch (error) {
    await Promise.all(listeners.map(listener => listener.close()))
    throw error
  }
}
