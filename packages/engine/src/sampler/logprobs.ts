// Owns log probabilities under the unmodified softmax of the logits: what `logprobs`, `prompt_logprobs` and `echo` report.
import type { TokenLogprob, TokenLogprobs } from '@tandem/core'
import { expNonPositive, lnAtLeastOne } from './exact-math.js'

/** -FLT_MAX: the lowest finite float32, far below every real logit. */
const LOWEST_LOGIT = -3.4028234663852886e38

/**
 * Log probability and rank of `tokenId`, and the `numTop` best tokens (best first, lower id first among equals).
 *
 * All in double: m = max_i x_i; S = sum over ascending id of exp(x_i - m); logprob_i = (x_i - m) - ln S with the exp and ln
 * of exact-math.ts. rank = 1 + number of tokens with a strictly larger logit. NaN and -Infinity count as -FLT_MAX.
 */
export function tokenLogprobs (logits: Float32Array, tokenId: number, numTop: number): TokenLogprobs {
  const chosen = finite(logits[tokenId]!)
  let max = LOWEST_LOGIT
  let rank = 1
  for (let id = 0; id < logits.length; id++) {
    const value = logits[id]!
    if (value > max) max = value
    if (value > chosen) rank++
  }
  let sum = 0
  for (let id = 0; id < logits.length; id++) sum += expNonPositive(logits[id]! - max)
  const lnSum = lnAtLeastOne(sum)
  const entry = (id: number): TokenLogprob => ({ tokenId: id, logprob: (finite(logits[id]!) - max) - lnSum })
  return { ...entry(tokenId), rank, top: topIds(logits, numTop).map(entry) }
}

/** Replaces NaN and -Infinity: JSON carries neither. */
function finite (logit: number): number {
  return logit >= LOWEST_LOGIT ? logit : LOWEST_LOGIT
}

/** Insertion into a sorted list of `count`: alternatives are few (20 at most over HTTP). */
function topIds (logits: Float32Array, count: number): number[] {
  const ids: number[] = []
  if (count === 0) return ids
  const valueAt = (place: number): number => finite(logits[ids[place]!]!)
  for (let id = 0; id < logits.length; id++) {
    const value = finite(logits[id]!)
    if (ids.length === count && value <= valueAt(count - 1)) continue
    let place = ids.length
    while (place > 0 && valueAt(place - 1) < value) place--
    ids.splice(place, 0, id)
    if (ids.length > count) ids.pop()
  }
  return ids
}
