// Owns the errors engines answer with. A broken invariant is not among them: it stops the process.
import { defineErrors } from '@tandem/core'

export const engineErrors = defineErrors({
  step_queue_full: { message: 'a step is running and another one waits', grpc: 'RESOURCE_EXHAUSTED', http: 503, retryable: true },
  engine_disposed: { message: 'the engine was disposed', grpc: 'FAILED_PRECONDITION', http: 503, retryable: false },
  plan_invalid: { message: 'step {stepId} cannot run: {reason}', grpc: 'INVALID_ARGUMENT', http: 500, retryable: false },
  step_aborted: { message: 'step {stepId} was planned on a step that failed', grpc: 'ABORTED', http: 503, retryable: true },
  ffn_unavailable: {
    message: 'no FFN worker answered layer {layerIdx} within {timeoutMs} ms: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: true
  },
  ffn_answer_invalid: { message: 'FFN worker {workerId} answered layer {layerIdx} wrongly: {reason}', grpc: 'INTERNAL', http: 500, retryable: false },
  no_common_connector: {
    message: 'FFN worker {workerId} offers {offered}, this side speaks {spoken}', grpc: 'FAILED_PRECONDITION', http: 503, retryable: false
  },
  backend_unavailable: { message: 'backend {backend} cannot be used: {reason}', grpc: 'FAILED_PRECONDITION', http: 500, retryable: false },
  connector_unavailable: {
    message: 'backend {backend} has no {connector} connector, only {spoken}', grpc: 'FAILED_PRECONDITION', http: 500, retryable: false
  },
  kv_dtype_unsupported: {
    message: 'backend {backend} keeps its KV cache in {supported}, not in {kvDtype}', grpc: 'FAILED_PRECONDITION', http: 500, retryable: false
  },
  compute_dtype_unavailable: {
    message: 'backend {backend} cannot compute in {computeDtype} here: {reason}', grpc: 'FAILED_PRECONDITION', http: 500, retryable: false
  },
  numa_node_unavailable: {
    message: 'NUMA node {numaNode} does not exist here, or this process may use none of its cores', grpc: 'FAILED_PRECONDITION', http: 500, retryable: false
  }
})
