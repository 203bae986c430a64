// Owns the errors of this package and which frame status each one travels as.
import { defineErrors, isTandemError, makeError } from '@tandem/core'
import type { TandemError } from '@tandem/core'
import type { FrameStatus } from './frame-layout.js'

export const connectorErrors = defineErrors({
  frame_malformed: { message: 'malformed frame: {reason}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  frame_oversized: { message: 'oversized frame: {reason}', grpc: 'RESOURCE_EXHAUSTED', http: 413, retryable: false },
  epoch_stale: { message: 'the frame belongs to an epoch that is not served: {reason}', grpc: 'ABORTED', http: 503, retryable: true },
  layer_unknown: { message: 'the FFN worker has no such layer: {reason}', grpc: 'INVALID_ARGUMENT', http: 500, retryable: false },
  overloaded: { message: 'too many frames are waiting: {reason}', grpc: 'RESOURCE_EXHAUSTED', http: 503, retryable: true },
  peer_unauthorized: { message: 'the peer refused the cluster token: {reason}', grpc: 'UNAUTHENTICATED', http: 401, retryable: false },
  peer_model_mismatch: { message: 'the peer serves another model: {reason}', grpc: 'FAILED_PRECONDITION', http: 409, retryable: false },
  peer_internal: { message: 'the FFN worker failed: {reason}', grpc: 'INTERNAL', http: 500, retryable: false },
  peer_down: { message: 'the channel to {address} is closed: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: true },
  connect_failed: { message: 'cannot connect to {address} by {connector}: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: true },
  listen_failed: { message: 'cannot listen on {address}: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: false }
})
export type ConnectorErrorCode = keyof typeof connectorErrors

const codeOfStatus = {
  malformed: 'frame_malformed',
  oversized: 'frame_oversized',
  stale_epoch: 'epoch_stale',
  unknown_layer: 'layer_unknown',
  overloaded: 'overloaded',
  unauthorized: 'peer_unauthorized',
  model_mismatch: 'peer_model_mismatch',
  internal: 'peer_internal'
} as const satisfies Record<Exclude<FrameStatus, 'ok'>, ConnectorErrorCode>

/** The typed error an error frame stands for. */
export function errorOfStatus (status: FrameStatus, reason: string): TandemError {
  const code = status === 'ok' ? 'peer_internal' : codeOfStatus[status]
  return makeError(connectorErrors, code, { reason })
}

/** The status under which a refusal travels; anything that is not a refusal is `internal`. */
export function statusOfError (error: unknown): Exclude<FrameStatus, 'ok'> {
  if (!isTandemError(error)) return 'internal'
  for (const [status, code] of Object.entries(codeOfStatus)) {
    if (code === error.code) return status as Exclude<FrameStatus, 'ok'>
  }
  return 'internal'
}
