// Owns teacher forcing on a server: one completion that echoes the text, given as token ids, with log probabilities.
import { makeError } from '@tandem/core'
import { benchErrors } from '../errors.js'
import type { Score } from './agreement.js'
import type { Golden } from './golden.js'

export interface ScoringServer {
  readonly url: string
  readonly model: string
}

/** The arrays of OpenAI's completion logprobs: one element per token, null where nothing predicted it. */
interface EchoedLogprobs {
  readonly token_logprobs?: readonly (number | null)[]
  readonly top_logprobs?: readonly (Readonly<Record<string, number>> | null)[]
}

const requestMs = 600_000
/** Stands for any token that is not the oracle's. */
const anotherToken = -1

/** `showToken` spells a token as the server does. Throws `server_unusable` when the server cannot echo log probabilities. */
export async function scoreTextOnServer (
  server: ScoringServer, golden: Golden, showToken: (tokenId: number) => string, signal: AbortSignal
): Promise<Score[]> {
  const refuse = (reason: string, cause?: unknown) => makeError(benchErrors, 'server_unusable', { name: server.model, url: server.url, reason }, { cause })
  const response = await fetch(`${server.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: server.model, prompt: golden.tokenIds, max_tokens: 1, temperature: 0, echo: true, logprobs: 1 }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(requestMs)])
  }).catch((error: Error) => {
    signal.throwIfAborted()
    throw refuse((error.cause as NodeJS.ErrnoException | undefined)?.code ?? error.message, error)
  })
  if (!response.ok) throw refuse(`HTTP ${response.status}: ${(await response.text()).slice(0, 200)}`)
  const { choices } = await response.json() as { choices?: readonly { logprobs?: EchoedLogprobs | null }[] }
  const scores = scoresOf(choices?.[0]?.logprobs ?? {}, golden, showToken)
  if (scores === undefined) throw refuse('it does not echo the log probabilities of a prompt')
  return scores
}

/** Undefined when not every token but the first has a log probability and alternatives. */
export function scoresOf (
  { token_logprobs: logprobs = [], top_logprobs: alternatives = [] }: EchoedLogprobs, golden: Golden, showToken: (tokenId: number) => string
): Score[] | undefined {
  const scores = golden.top1.flatMap((top1, idx) => {
    const logprob = logprobs[idx + 1]
    const best = bestOf(alternatives[idx + 1])
    if (typeof logprob !== 'number' || best === undefined) return []
    return [{ position: idx + 1, top1: best === showToken(top1) ? top1 : anotherToken, logprob }]
  })
  return scores.length === golden.top1.length ? scores : undefined
}

function bestOf (alternatives: Readonly<Record<string, number>> | null | undefined): string | undefined {
  const entries = Object.entries(alternatives ?? {})
  return entries.sort(([, left], [, right]) => right - left)[0]?.[0]
}
