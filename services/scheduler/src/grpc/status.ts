// Owns the one translation from our errors to gRPC statuses. Code and parameter travel in the metadata.
import { Metadata, status } from '@grpc/grpc-js'
import type { ServiceError } from '@grpc/grpc-js'
import { isTandemError } from '@tandem/core'
import { ERROR_PARAM_METADATA_KEY } from '@tandem/protocol'

export const ERROR_CODE_METADATA_KEY = 'tandem-error-code'

export function toServiceError (error: unknown): ServiceError {
  const metadata = new Metadata()
  if (isTandemError(error)) {
    metadata.set(ERROR_CODE_METADATA_KEY, error.code)
    if (error.facts.param !== undefined) metadata.set(ERROR_PARAM_METADATA_KEY, String(error.facts.param))
    return Object.assign(new Error(error.message), { code: status[error.grpcStatus], details: error.message, metadata })
  }
  const details = 'internal error'
  return Object.assign(new Error(details), { code: status.INTERNAL, details, metadata })
}
