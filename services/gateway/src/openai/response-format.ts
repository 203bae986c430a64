// Owns what an endpoint has to say about its responses; the two implementations are chat-format.ts and
// completion-format.ts. Everything is text already: the streaming side only writes it.
import type { TokenLogprobs } from '@tandem/core'
import type { ChoiceUpdate, PromptLogprob, Usage } from '../generation/types.js'

export interface CollectedChoice {
  readonly text: string
  readonly logprobs: readonly TokenLogprobs[]
  readonly promptLogprobs: readonly PromptLogprob[]
  readonly finishReason: 'stop' | 'length'
  readonly stopReason: string | number | null
}

export interface ResponseFormat {
  /** Before the first update of a choice: chat's role, the echoed prompt, or nothing. */
  begin (choiceIdx: number, promptLogprobs: readonly PromptLogprob[]): string
  /** SSE events of one update; hot path. */
  update (choiceIdx: number, update: ChoiceUpdate): string
  /** The usage event, or nothing when it was not asked for. */
  usage (usage: Usage): string
  /** The whole answer of a request that does not stream. */
  body (choices: readonly CollectedChoice[], usage: Usage): object
}

export interface ResponseHead {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
  readonly includeUsage: boolean
}

export function usageJson ({ numPromptTokens, numOutputTokens, numCachedTokens }: Usage): object {
  return {
    prompt_tokens: numPromptTokens,
    completion_tokens: numOutputTokens,
    total_tokens: numPromptTokens + numOutputTokens,
    prompt_tokens_details: { cached_tokens: numCachedTokens }
  }
}

/** Opening of every chunk of a stream, up to and with `"choices":[`. */
export function chunkOpening (object: string, { id, created, model }: ResponseHead): string {
  return `data: {"id":${JSON.stringify(id)},"object":"${object}","created":${created},"model":${JSON.stringify(model)},"choices":[`
}

/** End of every chunk; OpenAI sends `"usage":null` along when the last chunk will have it. */
export function chunkClosing ({ includeUsage }: ResponseHead): string {
  return includeUsage ? '],"usage":null}\n\n' : ']}\n\n'
}

export function usageChunk (opening: string, { includeUsage }: ResponseHead, usage: Usage): string {
  return includeUsage ? `${opening}],"usage":${JSON.stringify(usageJson(usage))}}\n\n` : ''
}
