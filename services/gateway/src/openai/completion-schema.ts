// Owns the body of POST /v1/completions.
import { Type } from 'typebox'
import { samplingProperties } from './sampling-schema.js'

export const MAX_LOGPROBS = 20

const tokenIds = Type.Array(Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 }), { minItems: 1 })

export const completionBody = Type.Object({
  ...samplingProperties,
  prompt: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 }), tokenIds, Type.Array(tokenIds, { minItems: 1 })], {
    description: 'a string, an array of strings, an array of token ids, or an array of arrays of token ids'
  }),
  echo: Type.Optional(Type.Boolean()),
  logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_LOGPROBS }))
})

export type CompletionBody = Type.Static<typeof completionBody>
