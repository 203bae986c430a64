// Owns every error of pulling and finding models. No message ever holds a token, nor the query of a URL (signed links are secrets).
import { defineErrors, makeError } from '@tandem/core'
import type { ErrorDefinition, ErrorFacts, TandemError } from '@tandem/core'

export const hubErrors = defineErrors({
  hub_model_id_invalid: { message: '{model} is not a model id: expected OWNER/NAME', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  hub_path_not_found: { message: 'no such file or directory: {model}', grpc: 'NOT_FOUND', http: 404, retryable: false },
  hub_model_not_pulled: {
    message: '{model} is neither a path nor a model that was pulled into {modelsDirectory}; run: tandem pull {model}', grpc: 'NOT_FOUND', http: 404, retryable: false
  },
  hub_model_not_found: {
    message: '{model} does not exist on {host}, or is private and needs a token (HF_TOKEN)', grpc: 'NOT_FOUND', http: 404, retryable: false
  },
  hub_model_unknown: {
    message: '{host} knows no model {model}: check the id, and that HF_ENDPOINT is a Hugging Face hub if it is set', grpc: 'NOT_FOUND', http: 404, retryable: false
  },
  hub_revision_not_found: { message: '{model} has no revision {revision} on {host}', grpc: 'NOT_FOUND', http: 404, retryable: false },
  hub_file_not_found: { message: '{host} has no file {file}', grpc: 'NOT_FOUND', http: 404, retryable: false },
  hub_unauthorized: { message: '{host} refused the token (HF_TOKEN) for {file}', grpc: 'UNAUTHENTICATED', http: 401, retryable: false },
  hub_gated: {
    message: '{model} is gated: accept its terms on {host}, then set HF_TOKEN to a token of that account', grpc: 'UNAUTHENTICATED', http: 403, retryable: false
  },
  hub_forbidden: { message: '{host} forbids {file}', grpc: 'UNAUTHENTICATED', http: 403, retryable: false },
  hub_unavailable: { message: '{host} did not give {file}: {reason}', grpc: 'UNAVAILABLE', http: 502, retryable: true },
  hub_response_invalid: { message: '{host} answered {file} with something unexpected: {reason}', grpc: 'UNAVAILABLE', http: 502, retryable: false },
  hub_redirect_refused: { message: '{host} redirected {file} {reason}', grpc: 'FAILED_PRECONDITION', http: 502, retryable: false },
  hub_no_weights: {
    message: '{model} holds no weights that can be served: expected .safetensors or .gguf files{reason}', grpc: 'FAILED_PRECONDITION', http: 422, retryable: false
  },
  hub_choice_needed: {
    message: '{model} holds several GGUF models; choose one with include: {choices}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false
  },
  hub_checksum_mismatch: {
    message: '{file} was downloaded with {algorithm} {actual}, expected {expected}', grpc: 'DATA_LOSS', http: 502, retryable: true
  },
  hub_disk_full: { message: 'no room for {file}: it needs {neededBytes} bytes, {availableBytes} are free', grpc: 'RESOURCE_EXHAUSTED', http: 507, retryable: false },
  hub_write_failed: { message: 'cannot write {file}: {reason}', grpc: 'INTERNAL', http: 500, retryable: false }
} satisfies Record<string, ErrorDefinition>)

export type HubErrorCode = keyof typeof hubErrors

/** Builds (does not throw) an error of this package. */
export function hubError (code: HubErrorCode, facts: ErrorFacts, cause?: unknown): TandemError {
  return makeError(hubErrors, code, facts, cause === undefined ? {} : { cause })
}

/** Message of a failure without a stack; fetch keeps the real reason in `cause`. */
export function reasonOf (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}
