// Owns every error a store raises.
import { defineErrors } from '@tandem/core'

export const storeErrors = defineErrors({
  store_unreachable: { message: 'the store at {address} cannot be reached: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: true },
  store_url_invalid: { message: 'redis must be a redis:// or rediss:// URL (got {url})', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  store_record_invalid: { message: 'the store holds something else than a worker at {key}', grpc: 'DATA_LOSS', http: 500, retryable: false }
})
