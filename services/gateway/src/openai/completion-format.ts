// Owns the responses of /v1/completions, with echo and its parallel arrays of logprobs.
import type { TokenLogprobs } from '@tandem/core'
import type { Tokenizer } from '@tandem/tokenizer'
import type { PromptLogprob } from '../generation/types.js'
import { CompletionLogprobsBuilder } from './logprobs.js'
import { chunkClosing, chunkOpening, usageChunk, usageJson } from './response-format.js'
import type { ResponseFormat, ResponseHead } from './response-format.js'
import { outputOffsets, promptOffsets } from './text-offsets.js'

export interface EchoedPrompt {
  readonly text: string
  readonly tokenIds: readonly number[]
}

export interface CompletionFormatOptions extends ResponseHead {
  /** [numChoices] what `echo` puts before each choice's text; undefined without echo. */
  readonly echoes: ReadonlyArray<EchoedPrompt | undefined>
  /** Alternatives per token; undefined reports no logprobs. */
  readonly numTopLogprobs: number | undefined
  readonly tokenizer: Tokenizer
  /** Whether special tokens are left out of the text. */
  readonly skipSpecialTokens: boolean
}

export function createCompletionFormat (options: CompletionFormatOptions): ResponseFormat {
  const opening = chunkOpening('text_completion', options)
  const closing = chunkClosing(options)
  const heads = options.echoes.map((_, idx) => `${opening}{"index":${idx},"text":`)
  const plainTail = `,"logprobs":null,"finish_reason":null}${closing}`
  const builders = options.echoes.map(() => createBuilder(options))

  const offsets = options.echoes.map(echo => outputOffsets(options.tokenizer, options.skipSpecialTokens, echo?.text ?? ''))

  const addPrompt = (choiceIdx: number, promptLogprobs: readonly PromptLogprob[]): void => {
    const echo = options.echoes[choiceIdx]
    const builder = builders[choiceIdx]
    if (echo === undefined || builder === undefined) return
    const inPrompt = promptOffsets(options.tokenizer, echo.text)
    const first = echo.tokenIds[0]!
    builder.addUnscored(first, inPrompt.next(first))
    for (const token of promptLogprobs) builder.add(token, inPrompt.next(token.tokenId))
  }
  const takeLogprobs = (choiceIdx: number, logprobs: readonly TokenLogprobs[]): object | null => {
    const builder = builders[choiceIdx]
    if (builder === undefined) return null
    for (const token of logprobs) builder.add(token, offsets[choiceIdx]!.next(token.tokenId))
    return builder.take()
  }

  return {
    begin (choiceIdx, promptLogprobs) {
      const echo = options.echoes[choiceIdx]
      if (echo === undefined) return ''
      addPrompt(choiceIdx, promptLogprobs)
      const logprobs = JSON.stringify(takeLogprobs(choiceIdx, []))
      return `${heads[choiceIdx]!}${JSON.stringify(echo.text)},"logprobs":${logprobs},"finish_reason":null}${closing}`
    },
    update (choiceIdx, update) {
      const text = heads[choiceIdx]! + JSON.stringify(update.text)
      if (update.finishReason === undefined) {
        if (update.text === '') return ''
        if (builders[choiceIdx] === undefined) return text + plainTail
        return `${text},"logprobs":${JSON.stringify(takeLogprobs(choiceIdx, update.logprobs))},"finish_reason":null}${closing}`
      }
      return `${text},"logprobs":${JSON.stringify(takeLogprobs(choiceIdx, update.logprobs))},` +
        `"finish_reason":"${update.finishReason}","stop_reason":${JSON.stringify(update.stopReason)}}${closing}`
    },
    usage: usage => usageChunk(opening, options, usage),
    body: (choices, usage) => ({
      id: options.id,
      object: 'text_completion',
      created: options.created,
      model: options.model,
      choices: choices.map((choice, index) => {
        addPrompt(index, choice.promptLogprobs)
        return {
          index,
          text: (options.echoes[index]?.text ?? '') + choice.text,
          logprobs: takeLogprobs(index, choice.logprobs),
          finish_reason: choice.finishReason,
          stop_reason: choice.stopReason
        }
      }),
      usage: usageJson(usage)
    })
  }
}

function createBuilder ({ numTopLogprobs, tokenizer }: CompletionFormatOptions): CompletionLogprobsBuilder | undefined {
  return numTopLogprobs === undefined ? undefined : new CompletionLogprobsBuilder(numTopLogprobs, tokenizer)
}
