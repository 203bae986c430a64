// Owns the translation of errors into the message that travels to the scheduler.
import type { TandemError } from '@tandem/core'
import type { ErrorMessage } from '@tandem/protocol'

export function errorToMessage (error: TandemError): ErrorMessage {
  return { code: error.code, message: error.message, retryable: error.retryable }
}
