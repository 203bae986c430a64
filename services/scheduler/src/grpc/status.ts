// Owns the one translation from our errors to gRPC statuses. The code travels in the `tandem-error-code` metadata.
import { Metadata, status } from '@grpc/grpc-js'
import type { ServiceError } from '@grpc/grpc-js'
import { isTandemError } from '@tandem/core'

export const ERROR_CODE_METADATA_KEY = 'tandem-error-code'

export function toServiceError (error: unknown): ServiceError {
  const metadata = new Metadata()
  if (isTandemError(error)) {
    metadata.set(ERROR_CODE_METADATA_KEY, error.code)
    return Object.assign(new Error(error.message), { code: status[error.grpcStatus], details: error.message, metadata })
  }
  const details = 'internal error'
  return Object.assign(new Error(details), { code: status.INTERNAL, details, metadata })
}
