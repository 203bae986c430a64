// Owns the errors of opening a tokenizer and rendering a chat template.
import { defineErrors } from '@tandem/core'

export const tokenizerErrors = defineErrors({
  tokenizer_missing: {
    message: 'no tokenizer in {path}: expected {expected}', grpc: 'FAILED_PRECONDITION', http: 500, retryable: false
  },
  tokenizer_corrupt: { message: '{source}: {reason}', grpc: 'DATA_LOSS', http: 500, retryable: false },
  tokenizer_unsupported: { message: '{source}: {reason}', grpc: 'UNIMPLEMENTED', http: 500, retryable: false },
  chat_template_missing: {
    message: 'this model has no chat template; use /v1/completions', grpc: 'FAILED_PRECONDITION', http: 400, retryable: false
  },
  chat_template_failed: {
    message: 'the chat template refused these messages: {reason}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false
  }
})
