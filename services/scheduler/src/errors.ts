// Owns every error the scheduler raises or sends in a RequestEvent. `param` of an event is the fact `param`.
import { defineErrors, makeError } from '@tandem/core'
import type { ErrorFacts, TandemError } from '@tandem/core'
import type { ErrorMessage } from '@tandem/protocol'

export const schedulerErrors = defineErrors({
  overloaded: { message: 'the server is overloaded: {maxWaiting} requests are waiting already', grpc: 'RESOURCE_EXHAUSTED', http: 429, retryable: true },
  no_worker_available: { message: 'no worker could run the request within {timeoutMs} ms: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: true },
  step_failed: { message: 'the request made no progress for {timeoutMs} ms: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: true },
  request_refused: { message: 'an attention worker refused the request: {reason}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  request_deadly: { message: '{numWorkers} attention workers died while they ran this request, the last ones with nothing else to run', grpc: 'INTERNAL', http: 500, retryable: false },
  prompt_empty: { message: 'prompt must contain at least one token', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  prompt_too_long: { message: 'the prompt has {numPromptTokens} tokens, but at most {maxPromptTokens} fit', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  max_tokens_invalid: { message: 'max_tokens must be at least 1', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  max_tokens_too_large: {
    message: 'max_tokens is {maxTokens} and the prompt has {numPromptTokens} tokens: together at most {maxModelLen} fit',
    grpc: 'INVALID_ARGUMENT', http: 400, retryable: false
  },
  request_in_use: { message: 'request_id {requestId} is already being served on this stream', grpc: 'ALREADY_EXISTS', http: 409, retryable: false },
  message_invalid: { message: 'the stream sent an invalid message: {reason}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  registration_invalid: { message: 'worker {workerId} cannot register: {reason}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  model_mismatch: {
    message: 'worker {workerId} serves model {modelName} (fingerprint {fingerprint}), but this cluster serves {clusterModelName} ({clusterFingerprint})',
    grpc: 'FAILED_PRECONDITION', http: 409, retryable: false
  },
  compute_dtype_mismatch: {
    message: 'worker {workerId} computes in {computeDtype}, but the {role} workers here compute in {clusterComputeDtype}: start it with --compute-dtype {clusterComputeDtype}',
    grpc: 'FAILED_PRECONDITION', http: 409, retryable: false
  },
  kv_dtype_mismatch: {
    message: 'worker {workerId} keeps its KV cache in {kvDtype}, but the attention workers here keep theirs in {clusterKvDtype}: start it with --kv-dtype {clusterKvDtype}',
    grpc: 'FAILED_PRECONDITION', http: 409, retryable: false
  },
  worker_unknown: { message: 'there is no worker {workerId}', grpc: 'NOT_FOUND', http: 404, retryable: false },
  last_worker: { message: '{workerId} is the only {role} worker that is not draining: start another one first', grpc: 'FAILED_PRECONDITION', http: 409, retryable: false },
  no_launcher: {
    message: 'no launcher is attached: start or stop worker processes yourself (they join and leave while serving), or run "tandem up"',
    grpc: 'FAILED_PRECONDITION', http: 409, retryable: false
  },
  launcher_attached: { message: 'another launcher is already attached', grpc: 'ALREADY_EXISTS', http: 409, retryable: false },
  scale_invalid: { message: '{param} must be a whole number from {min} to {max}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  scale_too_large: {
    message: '{param}={value} is more than this machine has use for ({max} workers of a role); "tandem scale --force" starts them all the same',
    grpc: 'INVALID_ARGUMENT', http: 400, retryable: false
  },
  worker_replaced: { message: 'worker {workerId} opened a new stream', grpc: 'ABORTED', http: 409, retryable: true },
  worker_silent: { message: 'worker {workerId} sent nothing for {silentMs} ms', grpc: 'DEADLINE_EXCEEDED', http: 503, retryable: true },
  worker_confused: { message: 'worker {workerId} broke the step protocol: {reason}', grpc: 'INVALID_ARGUMENT', http: 500, retryable: true },
  gateway_too_slow: { message: 'the gateway read too slowly: {maxBufferedEvents} events were waiting for it', grpc: 'RESOURCE_EXHAUSTED', http: 503, retryable: true },
  options_conflict: { message: '{reason}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  shutting_down: { message: 'the scheduler is shutting down', grpc: 'UNAVAILABLE', http: 503, retryable: true }
})

export type SchedulerErrorCode = keyof typeof schedulerErrors

export function schedulerError (code: SchedulerErrorCode, facts: ErrorFacts = {}): TandemError {
  return makeError(schedulerErrors, code, facts)
}

export function errorToMessage (error: TandemError): ErrorMessage {
  const { param } = error.facts
  return { code: error.code, message: error.message, retryable: error.retryable, ...(param === undefined ? {} : { param: String(param) }) }
}
