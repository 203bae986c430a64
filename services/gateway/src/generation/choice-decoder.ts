// Owns one choice from tokens to text: detokenizer, stop strings, stop tokens, logprobs in order. Holds text
// back until it is certain; says when the choice is over.
import type { TokenLogprobs } from '@tandem/core'
import { logprobsFromMessage } from '@tandem/protocol'
import type { OutputToken__Output, RequestEvent__Output } from '@tandem/protocol'
import { createStopMatcher } from '@tandem/tokenizer'
import type { Detokenizer, StopMatcher, Tokenizer } from '@tandem/tokenizer'
import type { ChoicePlan, ChoiceUpdate, PromptLogprob, TextOptions } from './types.js'

export class ChoiceDecoder {
  numOutputTokens = 0
  /** By position, without the first token, which nothing predicts. */
  readonly promptLogprobs: PromptLogprob[] = []
  private readonly detokenizer: Detokenizer
  private readonly matcher: StopMatcher
  private readonly stopTokenIds: ReadonlySet<number>
  private logprobs: TokenLogprobs[] = []

  constructor (
    tokenizer: Tokenizer, plan: ChoicePlan, private readonly options: TextOptions,
    /** The model's own end tokens: they end a choice without being a stop reason. */
    private readonly eosTokenIds: ReadonlySet<number>
  ) {
    this.detokenizer = tokenizer.createDetokenizer({ skipSpecialTokens: options.skipSpecialTokens })
    this.matcher = createStopMatcher(options.stop, { include: options.includeStop })
    this.stopTokenIds = new Set(plan.sampling.stopTokenIds)
  }

  /** Takes an event that is not an error. A choice that a stop string ended must be aborted by the caller. */
  accept (event: RequestEvent__Output): ChoiceUpdate {
    if (event.promptLogprobs.length > 0) this.takePromptLogprobs(event)
    const stopped = event.finishReason === 'FINISH_REASON_STOP'
    const last = event.tokens.length - 1
    let text = ''
    for (let i = 0; i <= last; i++) {
      const token = event.tokens[i]!
      this.numOutputTokens++
      if (token.logprobs) this.logprobs.push(logprobsFromMessage(token.tokenId, token.logprobs))
      if (stopped && i === last && this.isHiddenStop(token)) break
      const match = this.matcher.push(this.detokenizer.push(token.tokenId))
      text += match.text
      if (match.stop !== undefined) return this.update(text, 'stop', match.stop)
    }
    if (event.finishReason === 'FINISH_REASON_UNSPECIFIED') return this.update(text, undefined, null)
    const rest = this.matcher.push(this.detokenizer.end())
    text += rest.text
    if (rest.stop !== undefined) return this.update(text, 'stop', rest.stop)
    text += this.matcher.end()
    return this.update(text, stopped ? 'stop' : 'length', stopped ? this.stopTokenOf(event.tokens[last]) : null)
  }

  private update (text: string, finishReason: 'stop' | 'length' | undefined, stopReason: string | number | null): ChoiceUpdate {
    // Logprobs wait for the text of their tokens, so a chunk never shows one without the other.
    const shown = text !== '' || finishReason !== undefined
    const logprobs = shown ? this.logprobs : NO_LOGPROBS
    if (shown && this.logprobs.length > 0) this.logprobs = []
    return { text, logprobs, finishReason, stopReason }
  }

  private isHiddenStop (token: OutputToken__Output): boolean {
    return !this.options.includeStop && this.stopTokenIds.has(token.tokenId)
  }

  private stopTokenOf (token: OutputToken__Output | undefined): number | null {
    return token === undefined || this.eosTokenIds.has(token.tokenId) ? null : token.tokenId
  }

  /** A sequence that was submitted again may report positions twice. */
  private takePromptLogprobs (event: RequestEvent__Output): void {
    for (const { position, tokenId, logprobs } of event.promptLogprobs) {
      if (!logprobs || position <= (this.promptLogprobs.at(-1)?.position ?? -1)) continue
      this.promptLogprobs.push({ position, ...logprobsFromMessage(tokenId, logprobs) })
    }
  }
}

const NO_LOGPROBS: readonly TokenLogprobs[] = Object.freeze([])
