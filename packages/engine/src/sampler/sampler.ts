// Owns the choice of the next token from logits. A pure function of (logits, state, params, position); the class
// holds scratch memory only. Must not know of batches, steps or other sequences.
import type { SamplingParams, TokenLogprobs } from '@tandem/core'
import { CandidateHeap } from './candidates.js'
import { expNonPositive } from './exact-math.js'
import { tokenLogprobs } from './logprobs.js'
import { uniformAt } from './philox.js'
import type { SamplerState } from './sampler-state.js'

export interface Sample {
  readonly tokenId: number
  /** Present when `params.logprobs` is set. */
  readonly logprobs?: TokenLogprobs
}

/**
 * The algorithm, to be mirrored bit for bit. Logits arrive as float32; every other number is a double, every operation
 * rounds once (no fused multiply-add), exp is that of exact-math.ts. The order of steps is vLLM's.
 *
 *  1. x_i = logit_i; NaN becomes -Infinity.
 *  2. logit_bias: x_i += bias, in list order; ids outside the vocabulary are skipped.
 *  3. For every token seen in prompt or output: x_i = x_i > 0 ? x_i / repetition : x_i * repetition; then with c = its count in the
 *     output: x_i -= frequency * c; and if c > 0: x_i -= presence.
 *  4. Greedy (temperature 0): the largest x_i, lowest id among equals. Done.
 *  5. m = max x_i; y_i = (x_i - m) / temperature; w_i = exp(y_i). C = all ids, ascending.
 *  6. min_p > 0: keep w_i >= min_p (the largest weight is exactly 1).
 *  7. 0 < top_k < |C|: C = the first top_k of C in the order "larger x first, lower id first among equals".
 *  8. top_p < 1: Z = sum of w over C in C's order; go through C in the order of step 7 adding up w, and keep tokens as
 *     long as the sum before the token is < top_p * Z. C = those, in that order. The first one is always kept.
 *  9. Z' = sum of w over C in C's order; t = u * Z' with u = uniformAt(seed, position); the token is the first of C at which
 *     the running sum (same order) is > t.
 */
export class Sampler {
  readonly #values: Float64Array
  readonly #weights: Float64Array
  readonly #candidates: Int32Array

  constructor (vocabSize: number) {
    this.#values = new Float64Array(vocabSize)
    this.#weights = new Float64Array(vocabSize)
    this.#candidates = new Int32Array(vocabSize)
  }

  /** `position` is that of the token to be sampled (prompt included). Neither `logits` nor `state` is changed. */
  sample (logits: Float32Array, state: SamplerState, params: SamplingParams, position: number): Sample {
    this.#penalise(logits, state, params)
    const best = argmax(this.#values)
    const tokenId = params.temperature === 0 ? best : this.#draw(best, params, position)
    if (params.logprobs === undefined) return { tokenId }
    return { tokenId, logprobs: tokenLogprobs(logits, tokenId, params.logprobs) }
  }

  /** Steps 1 to 3, into #values. */
  #penalise (logits: Float32Array, state: SamplerState, params: SamplingParams): void {
    const values = this.#values
    for (let id = 0; id < values.length; id++) {
      const logit = logits[id]!
      values[id] = logit === logit ? logit : -Infinity // eslint-disable-line no-self-compare -- the fast test for NaN
    }
    for (const [id, bias] of params.logitBias) if (id < values.length) values[id]! += bias
    const { repetitionPenalty, frequencyPenalty, presencePenalty } = params
    if (repetitionPenalty === 1 && frequencyPenalty === 0 && presencePenalty === 0) return
    for (const [id, count] of state.outputCounts) {
      const value = values[id]!
      values[id] = value > 0 ? value / repetitionPenalty : value * repetitionPenalty
      values[id]! -= frequencyPenalty * count
      if (count > 0) values[id]! -= presencePenalty
    }
  }

  /** Steps 5 to 9. */
  #draw (best: number, params: SamplingParams, position: number): number {
    const values = this.#values
    const weights = this.#weights
    const candidates = this.#candidates
    const max = values[best]!
    let count = 0
    for (let id = 0; id < values.length; id++) {
      const weight = expNonPositive((values[id]! - max) / params.temperature)
      weights[id] = weight
      if (weight >= params.minP) candidates[count++] = id
    }
    const chosen = this.#restrict(count, params)
    const order = chosen ?? candidates
    const length = chosen?.length ?? count
    const target = uniformAt(params.seed, position) * sumOf(weights, order, length)
    let running = 0
    for (let i = 0; i < length; i++) {
      running += weights[order[i]!]!
      if (running > target) return order[i]!
    }
    return best // Only when every logit is -Infinity.
  }

  /** Steps 7 and 8; null when neither removes anything. */
  #restrict (count: number, { topK, topP }: SamplingParams): number[] | null {
    const weights = this.#weights
    const limited = topK > 0 && topK < count
    if (!limited && topP >= 1) return null
    const massOfAll = limited ? 0 : sumOf(weights, this.#candidates, count)
    const heap = new CandidateHeap(this.#candidates, count, this.#values)
    if (!limited) return takeMass(weights, topP * massOfAll, count, () => heap.pop())
    const best = Array.from({ length: topK }, () => heap.pop())
    if (topP >= 1) return best
    return takeMass(weights, topP * sumOf(weights, best, topK), topK, place => best[place]!)
  }
}

/** Token ids from `next`, at most `limit`, as long as the sum of the weights before one is < `mass`; at least one. */
function takeMass (weights: Float64Array, mass: number, limit: number, next: (place: number) => number): number[] {
  const kept = [next(0)]
  let before = weights[kept[0]!]!
  while (kept.length < limit && before < mass) {
    const id = next(kept.length)
    kept.push(id)
    before += weights[id]!
  }
  return kept
}

/** Largest value; the lowest index among equals, 0 when all are -Infinity. */
function argmax (values: Float64Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

function sumOf (weights: Float64Array, ids: ArrayLike<number>, length: number): number {
  let sum = 0
  for (let i = 0; i < length; i++) sum += weights[ids[i]!]!
  return sum
}
