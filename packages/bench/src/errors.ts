// Owns what the benches refuse; every message is the one line a user sees.
import { defineErrors } from '@tandem/core'

export const benchErrors = defineErrors({
  usage: { message: '{reason}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  server_ended: { message: '{name} ended ({how}): {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: false },
  server_not_ready: { message: '{name} does not answer at {url} after {seconds} s', grpc: 'DEADLINE_EXCEEDED', http: 504, retryable: true },
  server_unusable: { message: '{name} at {url}: {reason}', grpc: 'FAILED_PRECONDITION', http: 502, retryable: false },
  command_failed: { message: 'the {name} command failed: {reason}', grpc: 'ABORTED', http: 502, retryable: false },
  script_failed: { message: '{script} ended with {how}', grpc: 'ABORTED', http: 500, retryable: false },
  interrupted: { message: 'interrupted', grpc: 'ABORTED', http: 499, retryable: true },
  golden_unusable: { message: 'cannot use {path}: {reason}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  file_unwritable: { message: 'cannot write {path}: {reason}', grpc: 'FAILED_PRECONDITION', http: 500, retryable: false }
})
