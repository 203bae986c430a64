import { status } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { ERROR_PARAM_METADATA_KEY } from '@tandem/protocol'
import { schedulerError } from '../../src/errors.js'
import { ERROR_CODE_METADATA_KEY, toServiceError } from '../../src/grpc/status.js'

test('an operating error keeps its code and message, anything else shows nothing of itself', () => {
  const known = toServiceError(schedulerError('no_launcher'))
  expect(known.code).toBe(status.FAILED_PRECONDITION)
  expect(known.details).toContain('no launcher is attached')
  expect(known.metadata.get(ERROR_CODE_METADATA_KEY)).toEqual(['no_launcher'])
  expect(known.metadata.get(ERROR_PARAM_METADATA_KEY)).toEqual([])
  const named = toServiceError(schedulerError('scale_too_large', { param: 'ffn', value: 9, max: 8 }))
  expect(named.metadata.get(ERROR_PARAM_METADATA_KEY)).toEqual(['ffn'])
  expect(toServiceError(new Error('secret'))).toMatchObject({ code: status.INTERNAL, details: 'internal error' })
})
