import { expect, test } from 'vitest'
import { errorToMessage, schedulerError } from '../src/errors.js'

test('an error on the wire names the parameter when there is one', () => {
  expect(errorToMessage(schedulerError('prompt_too_long', { param: 'prompt', numPromptTokens: 9, maxPromptTokens: 8 }))).toEqual({
    code: 'prompt_too_long', message: 'the prompt has 9 tokens, but at most 8 fit', retryable: false, param: 'prompt'
  })
  expect(errorToMessage(schedulerError('overloaded', { maxWaiting: 3 }))).not.toHaveProperty('param')
})
