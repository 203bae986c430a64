// Owns what the command line refuses; every message is the one line a user sees.
import { defineErrors } from '@tandem/core'

export const cliErrors = defineErrors({
  usage: { message: '{reason}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  port_busy: {
    message: 'port {port} on {host} is in use: stop what listens there or choose another with --port',
    grpc: 'ALREADY_EXISTS', http: 409, retryable: false
  },
  listen_refused: { message: 'cannot listen on {host}:{port}: {reason}', grpc: 'FAILED_PRECONDITION', http: 500, retryable: false },
  service_ended: { message: '{service} ended while starting ({how}): {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: false },
  service_lost: { message: '{service} keeps crashing: giving up', grpc: 'UNAVAILABLE', http: 503, retryable: false },
  not_ready: { message: 'not ready after {seconds} s: {reason}', grpc: 'DEADLINE_EXCEEDED', http: 504, retryable: true },
  no_cluster: {
    message: 'no cluster found: start one with `tandem up`, or name its scheduler with --scheduler-address',
    grpc: 'UNAVAILABLE', http: 503, retryable: true
  },
  several_clusters: {
    message: 'several clusters run here (ports {ports}): choose one with --port', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false
  },
  worker_missing: { message: 'no worker {worker} is registered', grpc: 'NOT_FOUND', http: 404, retryable: true },
  scheduler_refused: { message: '{reason}', grpc: 'FAILED_PRECONDITION', http: 409, retryable: false },
  scheduler_unreachable: { message: 'cannot reach the scheduler at {address}: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: true },
  bench_unreachable: { message: 'cannot reach {url}: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: true },
  bench_failed: { message: 'every request failed: {reason}', grpc: 'ABORTED', http: 502, retryable: false },
  file_unreadable: { message: 'cannot read {path}: {reason}', grpc: 'NOT_FOUND', http: 404, retryable: false },
  file_unwritable: { message: 'cannot write {path}: {reason}', grpc: 'FAILED_PRECONDITION', http: 500, retryable: false }
})
