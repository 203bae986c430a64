// Owns the responses of /v1/chat/completions. Chunks are glued from parts made once per request; per token only
// the text is quoted.
import type { Tokenizer } from '@tandem/tokenizer'
import type { ChoiceUpdate } from '../generation/types.js'
import { chatLogprobs } from './logprobs.js'
import { chunkClosing, chunkOpening, usageChunk, usageJson } from './response-format.js'
import type { ResponseFormat, ResponseHead } from './response-format.js'

export interface ChatFormatOptions extends ResponseHead {
  readonly numChoices: number
  /** Alternatives per token; undefined reports no logprobs. */
  readonly topLogprobs: number | undefined
  readonly tokenizer: Tokenizer
}

export function createChatFormat (options: ChatFormatOptions): ResponseFormat {
  const { topLogprobs, tokenizer } = options
  const opening = chunkOpening('chat.completion.chunk', options)
  const closing = chunkClosing(options)
  const heads = Array.from({ length: options.numChoices }, (_, idx) => `${opening}{"index":${idx},"delta":{`)
  const logprobsJson = (update: Pick<ChoiceUpdate, 'logprobs'>): object | null =>
    topLogprobs === undefined || update.logprobs.length === 0 ? null : chatLogprobs(update.logprobs, topLogprobs, tokenizer)
  const plainTail = `},"logprobs":null,"finish_reason":null}${closing}`
  const tail = (update: ChoiceUpdate): string => topLogprobs === undefined
    ? plainTail
    : `},"logprobs":${JSON.stringify(logprobsJson(update))},"finish_reason":null}${closing}`

  return {
    begin: choiceIdx => `${heads[choiceIdx]!}"role":"assistant","content":""${plainTail}`,
    update (choiceIdx, update) {
      const head = heads[choiceIdx]!
      let events = update.text === '' && update.logprobs.length === 0 ? '' : `${head}"content":${JSON.stringify(update.text)}${tail(update)}`
      if (update.finishReason !== undefined) {
        events += `${head}},"logprobs":null,"finish_reason":"${update.finishReason}","stop_reason":${JSON.stringify(update.stopReason)}}${closing}`
      }
      return events
    },
    usage: usage => usageChunk(opening, options, usage),
    body: (choices, usage) => ({
      id: options.id,
      object: 'chat.completion',
      created: options.created,
      model: options.model,
      choices: choices.map((choice, index) => ({
        index,
        message: { role: 'assistant', content: choice.text, refusal: null },
        logprobs: logprobsJson(choice),
        finish_reason: choice.finishReason,
        stop_reason: choice.stopReason
      })),
      usage: usageJson(usage)
    })
  }
}
