// Owns the two shapes OpenAI gives log probabilities: chat's list of tokens, and the parallel arrays of
// completions.
import type { TokenLogprob, TokenLogprobs } from '@tandem/core'
import type { Tokenizer } from '@tandem/tokenizer'

/** JSON has no -Infinity; vLLM's stand-in for an impossible token. */
const MIN_LOGPROB = -9999

const finite = (logprob: number): number => Math.max(MIN_LOGPROB, logprob)

export function chatLogprobs (logprobs: readonly TokenLogprobs[], numTop: number, tokenizer: Tokenizer): object {
  const entry = ({ tokenId, logprob }: TokenLogprob) => {
    const bytes = tokenizer.tokenBytes(tokenId)
    return { token: Buffer.from(bytes).toString('utf8'), logprob: finite(logprob), bytes: [...bytes] }
  }
  return {
    content: logprobs.map(token => ({ ...entry(token), top_logprobs: token.top.slice(0, numTop).map(entry) })),
    refusal: null
  }
}

export interface CompletionLogprobs {
  readonly text_offset: number[]
  readonly token_logprobs: Array<number | null>
  readonly tokens: string[]
  readonly top_logprobs: Array<Record<string, number> | null>
}

/** Grows along a choice: first the prompt's tokens, where it is echoed, then the output's. */
export class CompletionLogprobsBuilder {
  private part = emptyPart()

  constructor (private readonly numTop: number, private readonly tokenizer: Tokenizer) {}

  /** A token nothing predicted: the first of a prompt. */
  addUnscored (tokenId: number, offset: number): void {
    this.push(tokenId, offset, null, null)
  }

  add ({ tokenId, logprob, top }: TokenLogprobs, offset: number): void {
    const alternatives: Record<string, number> = Object.create(null) as Record<string, number>
    for (const entry of top.slice(0, this.numTop)) alternatives[this.show(entry.tokenId)] ??= finite(entry.logprob)
    // OpenAI lists the chosen token too, wherever it ranks.
    if (this.numTop > 0) alternatives[this.show(tokenId)] ??= finite(logprob)
    this.push(tokenId, offset, finite(logprob), this.numTop > 0 ? alternatives : null)
  }

  /** What was added since the last call. */
  take (): CompletionLogprobs {
    const part = this.part
    this.part = emptyPart()
    return part
  }

  private push (tokenId: number, offset: number, logprob: number | null, top: Record<string, number> | null): void {
    this.part.tokens.push(this.show(tokenId))
    this.part.token_logprobs.push(logprob)
    this.part.top_logprobs.push(top)
    this.part.text_offset.push(offset)
  }

  /** A token that is no text by itself is shown by its bytes, as OpenAI does; so two of them stay apart. */
  private show (tokenId: number): string {
    const bytes = Buffer.from(this.tokenizer.tokenBytes(tokenId))
    const text = bytes.toString('utf8')
    if (!text.includes('\ufffd')) return text
    return 'bytes:' + [...bytes].map(byte => '\\x' + byte.toString(16).padStart(2, '0')).join('')
  }
}

function emptyPart (): CompletionLogprobs {
  return { text_offset: [], token_logprobs: [], tokens: [], top_logprobs: [] }
}
