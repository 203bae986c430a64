// Owns the errors only the native engine raises, and the translation of native failures into typed errors.
import { defineErrors, makeError } from '@tandem/core'
import type { ErrorDefinition } from '@tandem/core'
import { engineErrors } from '../errors.js'
import type { NativeFailure } from './addon-boundary.js'

export const nativeErrors = defineErrors({
  tensor_unsupported: { message: 'tensor {tensor}: {reason}', grpc: 'FAILED_PRECONDITION', http: 500, retryable: false },
  weights_unreadable: { message: 'tensor {tensor} cannot be read: {reason}', grpc: 'DATA_LOSS', http: 500, retryable: false },
  model_unsupported: { message: 'the native engine cannot run this model: {reason}', grpc: 'UNIMPLEMENTED', http: 500, retryable: false },
  kv_pool_too_large: {
    message: 'a KV pool of {numBlocks} blocks needs {bytes} bytes, {availableBytes} are available', grpc: 'RESOURCE_EXHAUSTED', http: 500, retryable: false
  },
  out_of_memory: { message: 'the native engine ran out of memory', grpc: 'RESOURCE_EXHAUSTED', http: 503, retryable: false },
  connect_failed: { message: 'FFN worker {workerId} cannot be reached: {reason}', grpc: 'UNAVAILABLE', http: 503, retryable: true },
  topology_invalid: { message: 'instance {instanceIdx} does not hold every leaf exactly once', grpc: 'INVALID_ARGUMENT', http: 500, retryable: false },
  listen_failed: { message: 'the FFN engine cannot listen: {reason}', grpc: 'FAILED_PRECONDITION', http: 500, retryable: false },
  native_failure: { message: 'the native engine failed: {reason}', grpc: 'INTERNAL', http: 500, retryable: false }
})

const definitions: Readonly<Record<string, ErrorDefinition>> = { ...engineErrors, ...nativeErrors }

/** The typed error of a failure that came over the boundary; any other error is returned as it is. */
export function errorOfFailure (failure: unknown): Error {
  if (!isNativeFailure(failure)) return failure instanceof Error ? failure : new Error(String(failure))
  const { code, facts } = failure
  if (code in nativeErrors) return makeError(nativeErrors, code as keyof typeof nativeErrors, facts)
  if (code in definitions) return makeError(engineErrors, code as keyof typeof engineErrors, facts)
  return failure
}

/** Makes a native call and throws typed errors. */
export function translatedCall<T> (call: () => T): T {
  try {
    return call()
  } catch (failure) {
    throw errorOfFailure(failure)
  }
}

/** Awaits a native promise and throws typed errors. */
export async function translated<T> (work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (failure) {
    throw errorOfFailure(failure)
  }
}

function isNativeFailure (value: unknown): value is NativeFailure {
  return value instanceof Error && 'code' in value && typeof value.code === 'string' && 'facts' in value && typeof value.facts === 'object'
}
