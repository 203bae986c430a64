// Owns the errors this worker refuses to start with.
import { defineErrors } from '@tandem/core'

export const attentionWorkerErrors = defineErrors({
  kv_cache_too_large: {
    message: 'a KV cache of {kvCacheBytes} bytes and {weightBytes} bytes of weights do not fit into {availableBytes} bytes of free memory',
    grpc: 'RESOURCE_EXHAUSTED',
    http: 500,
    retryable: false
  },
  kv_cache_too_small: {
    message: 'a KV cache of {kvCacheBytes} bytes holds {numTokens} tokens, one sequence of {maxModelLen} needs {neededBytes} bytes: ' +
      'raise --kv-cache-bytes or lower --max-model-len',
    grpc: 'RESOURCE_EXHAUSTED',
    http: 500,
    retryable: false
  }
})
