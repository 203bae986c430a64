import { describe, expect, it } from 'vitest'
import { assert, defineErrors, InvariantError, isTandemError, makeError } from '../src/errors.js'

const registry = defineErrors({
  tensor_missing: { message: 'tensor {tensor} is missing in {path}', grpc: 'DATA_LOSS', http: 500, retryable: false }
})

describe('makeError', () => {
  it('fills the template and carries facts, statuses and cause', () => {
    const cause = new Error('disk')
    const error = makeError(registry, 'tensor_missing', { tensor: 'output_norm', path: 'a.gguf' }, { cause })
    expect(error.message).toBe('tensor output_norm is missing in a.gguf')
    expect([error.code, error.grpcStatus, error.httpStatus, error.retryable]).toEqual(['tensor_missing', 'DATA_LOSS', 500, false])
    expect(error.facts).toEqual({ tensor: 'output_norm', path: 'a.gguf' })
    expect(error.cause).toBe(cause)
  })

  it('shows a placeholder whose fact is absent instead of hiding it', () => {
    expect(makeError(registry, 'tensor_missing', { tensor: 'x' }).message).toBe('tensor x is missing in {path}')
  })
})

describe('isTandemError', () => {
  it('tells operating errors, optionally by code', () => {
    const error = makeError(registry, 'tensor_missing')
    expect(isTandemError(error)).toBe(true)
    expect(isTandemError(error, 'tensor_missing')).toBe(true)
    expect(isTandemError(error, 'other')).toBe(false)
    expect(isTandemError(new Error('x'))).toBe(false)
  })
})

describe('assert', () => {
  it('throws an invariant error only on a false condition', () => {
    expect(() => assert(true, 'never')).not.toThrow()
    expect(() => assert(false, 'block freed twice')).toThrow(InvariantError)
  })
})
