// Owns the two figures of accuracy: how often the most likely token is the same, and how far the log probability of the text is off. Pure.
import type { Golden } from './golden.js'

/** What a backend thinks after one position. */
export interface Score {
  /** Position of the token that is scored: 1 is the second token of the text. */
  readonly position: number
  /** Most likely token there. */
  readonly top1: number
  readonly logprob: number
}

export interface Agreement {
  readonly numPositions: number
  readonly top1Share: number
  readonly meanAbsDelta: number
  readonly maxAbsDelta: number
}

/** Positions without a score do not count. */
export function agreementOf (golden: Golden, scores: readonly Score[]): Agreement {
  const deltas = scores.map(({ position, logprob }) => Math.abs(logprob - (golden.logprobs[position - 1] ?? NaN)))
  const numEqual = scores.filter(({ position, top1 }) => top1 === golden.top1[position - 1]).length
  return {
    numPositions: scores.length,
    top1Share: scores.length === 0 ? 0 : numEqual / scores.length,
    meanAbsDelta: scores.length === 0 ? 0 : deltas.reduce((sum, delta) => sum + delta, 0) / scores.length,
    maxAbsDelta: deltas.reduce((max, delta) => Math.max(max, delta), 0)
  }
}
