// Owns the errors of the gRPC layer itself: listening, dialling, the cluster token. What services refuse is theirs.
import { defineErrors } from '@tandem/core'

/** Metadata of a failed call: which of the request's fields the error is about. */
export const ERROR_PARAM_METADATA_KEY = 'tandem-error-param'

export const protocolErrors = defineErrors({
  bind_failed: { message: 'cannot listen on {address}: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: false },
  cluster_token_required: {
    message: 'refusing to listen on {host} without a cluster token: set TANDEM_CLUSTER_TOKEN, or bind to 127.0.0.1',
    grpc: 'FAILED_PRECONDITION', http: 500, retryable: false
  },
  unauthenticated: { message: 'the cluster token is missing or wrong', grpc: 'UNAUTHENTICATED', http: 401, retryable: false },
  peer_unavailable: { message: 'cannot reach {address}: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: true }
})
