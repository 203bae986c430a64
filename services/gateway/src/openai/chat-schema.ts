// Owns the body of POST /v1/chat/completions.
import { Type } from 'typebox'
import { MAX_LOGPROBS } from './completion-schema.js'
import { samplingProperties } from './sampling-schema.js'

export const chatMessage = Type.Object({
  role: Type.String({ description: 'system, developer, user or assistant' }),
  // Checked by hand, so that an error can name the part.
  content: Type.Optional(Type.Unknown({ description: 'a string or an array of parts {type: "text", text}' }))
})

export const chatBody = Type.Object({
  ...samplingProperties,
  messages: Type.Array(chatMessage, { minItems: 1 }),
  max_completion_tokens: Type.Optional(Type.Integer({ minimum: 1, description: 'wins over max_tokens' })),
  logprobs: Type.Optional(Type.Boolean()),
  top_logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_LOGPROBS })),
  response_format: Type.Optional(Type.Object({ type: Type.String() })),
  add_generation_prompt: Type.Optional(Type.Boolean()),
  chat_template_kwargs: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'variables for the chat template' }))
})

export type ChatBody = Type.Static<typeof chatBody>
