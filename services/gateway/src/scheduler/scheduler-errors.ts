// Owns what an error from the scheduler means to an HTTP client. The scheduler sends codes; status codes are
// chosen here, once.
import { status } from '@grpc/grpc-js'
import type { ServiceError } from '@grpc/grpc-js'
import { TandemError } from '@tandem/core'
import type { GrpcStatus } from '@tandem/core'
import { ERROR_PARAM_METADATA_KEY } from '@tandem/protocol'
import type { Error__Output } from '@tandem/protocol'
import { gatewayError } from '../errors.js'

const httpOfCode: Readonly<Record<string, number>> = {
  overloaded: 429,
  no_worker_available: 503,
  step_failed: 503,
  shutting_down: 503,
  prompt_empty: 400,
  prompt_too_long: 400,
  max_tokens_invalid: 400,
  max_tokens_too_large: 400
}

/** Of a RequestEvent; `undefined` when the scheduler gave none. */
export function errorOfEvent (error: Error__Output | null | undefined): TandemError {
  if (!error) return gatewayError('generation_failed', { reason: 'the sequence was ended by the server' })
  const http = httpOfCode[error.code] ?? (error.retryable ? 503 : 500)
  const param = error._param === 'param' ? error.param : undefined
  const grpc = http === 429 ? 'RESOURCE_EXHAUSTED' : http === 400 ? 'INVALID_ARGUMENT' : http === 503 ? 'UNAVAILABLE' : 'INTERNAL'
  return new TandemError(error.code, { message: '{reason}', grpc, http, retryable: error.retryable }, { reason: error.message, param })
}

const httpOfStatus: Readonly<Partial<Record<GrpcStatus, number>>> = {
  INVALID_ARGUMENT: 400, NOT_FOUND: 404, ALREADY_EXISTS: 409, FAILED_PRECONDITION: 409, RESOURCE_EXHAUSTED: 429, UNAVAILABLE: 503
}

/** Of a unary call (cluster, scale, drain). */
export function errorOfCall (error: ServiceError): TandemError {
  const grpc = status[error.code] as GrpcStatus
  const http = httpOfStatus[grpc] ?? 500
  const reason = error.details
  if (http === 503) return gatewayError('not_ready', { reason }, { cause: error })
  const code = http < 500 ? 'request_rejected' : 'generation_failed'
  const param = error.metadata?.get(ERROR_PARAM_METADATA_KEY)[0]?.toString()
  const facts = { reason, ...(param === undefined ? {} : { param }) }
  return new TandemError(code, { message: '{reason}', grpc, http, retryable: false }, facts, { cause: error })
}
