// Owns every error this package raises on purpose. Each names the file and the key or tensor, and what
// was expected of it. Nothing here decides when to raise.
import { defineErrors, makeError } from '@tandem/core'
import type { ErrorDefinition, ErrorFacts, TandemError } from '@tandem/core'

const refused = { grpc: 'FAILED_PRECONDITION', http: 500, retryable: false } as const
const damaged = { grpc: 'DATA_LOSS', http: 500, retryable: false } as const

export const modelErrors = defineErrors({
  model_not_found: { message: 'no model at {path}: {reason}', grpc: 'NOT_FOUND', http: 404, retryable: false },
  model_format_unknown: { message: '{path} holds no model: expected {expected}', ...refused },
  model_file_unreadable: { message: 'cannot read {path}: {reason}', grpc: 'UNAVAILABLE', http: 500, retryable: true },
  model_file_truncated: { message: '{path}: {part} ends at byte {expected}, but the file has {actual}', ...damaged },
  model_header_invalid: { message: '{path}: {part}: {reason}', ...damaged },
  model_header_too_large: { message: '{path}: the header is larger than the limit of {limit} bytes', ...refused },
  model_shard_invalid: { message: '{path}: {reason}', ...damaged },
  architecture_unsupported: { message: '{path}: architecture {actual} is not supported (supported: {expected})', ...refused },
  rope_type_unsupported: { message: '{path}: {key} = {actual} is not supported (supported: {expected})', ...refused },
  config_key_invalid: { message: '{path}: {key} must be {expected} (got {actual})', ...refused },
  config_key_unsupported: { message: '{path}: {key} = {actual} is not supported: {reason}', ...refused },
  tensor_missing: { message: '{path}: tensor {tensor} is missing (expected shape {expected})', ...refused },
  tensor_duplicate: { message: '{path}: tensor {tensor} occurs twice', ...damaged },
  tensor_shape_mismatch: { message: '{path}: tensor {tensor} has shape {actual}, expected {expected}', ...refused },
  tensor_dtype_unsupported: { message: '{path}: tensor {tensor} is stored as {actual}, expected {expected}', ...refused }
} satisfies Record<string, ErrorDefinition>)

export type ModelErrorCode = keyof typeof modelErrors

/** Builds (does not throw) an error of this package. */
export function modelError (code: ModelErrorCode, facts: ErrorFacts, cause?: unknown): TandemError {
  return makeError(modelErrors, code, facts, cause === undefined ? {} : { cause })
}

/** `[2, 3]` for messages. */
export function formatShape (shape: readonly number[]): string {
  return `[${shape.join(', ')}]`
}
