// Owns the errors this worker refuses to start with.
import { defineErrors } from '@tandem/core'

export const ffnWorkerErrors = defineErrors({
  model_required: { message: 'no model given: set --model or TANDEM_MODEL', grpc: 'INVALID_ARGUMENT', http: 500, retryable: false }
})
