// Owns every error the gateway raises. The fact `param` becomes the `param` of the OpenAI error body.
import { defineErrors, makeError } from '@tandem/core'
import type { ErrorFacts, TandemError } from '@tandem/core'

export const gatewayErrors = defineErrors({
  invalid_json: { message: 'the body is not valid JSON: {reason}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  invalid_type: { message: "invalid type for '{param}': expected {expected}", grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  invalid_value: { message: "invalid value for '{param}': {reason}", grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  missing_parameter: { message: "missing required parameter '{param}'", grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  unsupported_parameter: { message: "unsupported parameter '{param}': {reason}", grpc: 'UNIMPLEMENTED', http: 400, retryable: false },
  context_length_exceeded: {
    message: 'the prompt has {numPromptTokens} tokens; with {maxTokens} to generate that is more than the {maxModelLen} this model serves',
    grpc: 'INVALID_ARGUMENT', http: 400, retryable: false
  },
  invalid_api_key: { message: 'missing or wrong API key: send it as "Authorization: Bearer KEY"', grpc: 'UNAUTHENTICATED', http: 401, retryable: false },
  model_not_found: { message: "the model '{model}' does not exist; this server has '{served}'", grpc: 'NOT_FOUND', http: 404, retryable: false },
  route_not_found: { message: 'no route {method} {path}', grpc: 'NOT_FOUND', http: 404, retryable: false },
  body_too_large: { message: 'the body is larger than {maxBodyBytes} bytes', grpc: 'RESOURCE_EXHAUSTED', http: 413, retryable: false },
  unsupported_media_type: { message: "send the body as 'application/json'", grpc: 'INVALID_ARGUMENT', http: 415, retryable: false },
  too_many_requests: { message: '{maxInFlight} sequences are in flight already', grpc: 'RESOURCE_EXHAUSTED', http: 429, retryable: true },
  request_rejected: { message: '{reason}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  generation_failed: { message: '{reason}', grpc: 'INTERNAL', http: 500, retryable: false },
  internal_error: { message: 'internal error', grpc: 'INTERNAL', http: 500, retryable: false },
  not_ready: { message: 'not ready to serve: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: true },
  scheduler_lost: { message: 'the scheduler did not come back within {timeoutMs} ms', grpc: 'UNAVAILABLE', http: 503, retryable: true },
  shutting_down: { message: 'the server is shutting down', grpc: 'UNAVAILABLE', http: 503, retryable: true },
  api_key_required: {
    message: 'refusing to listen on {host} without an API key: set --api-key (TANDEM_API_KEY), bind to 127.0.0.1, or pass --allow-unauthenticated',
    grpc: 'FAILED_PRECONDITION', http: 500, retryable: false
  },
  tokenizer_mismatch: {
    message: 'the tokenizer encodes text to {numTextIds} token ids, the model has a vocabulary of {vocabSize}: they do not belong together',
    grpc: 'FAILED_PRECONDITION', http: 500, retryable: false
  },
  listen_failed: { message: 'cannot listen on {host}:{port}: {reason}', grpc: 'UNAVAILABLE', http: 500, retryable: false }
})

export type GatewayErrorCode = keyof typeof gatewayErrors

export function gatewayError (code: GatewayErrorCode, facts: ErrorFacts = {}, options: { readonly cause?: unknown } = {}): TandemError {
  return makeError(gatewayErrors, code, facts, options)
}
