// Owns what accuracy is measured against: a text as token ids, and for each position what a float32 implementation thinks comes next.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { makeError } from '@tandem/core'
import { benchErrors } from '../errors.js'

export interface Golden {
  /** Implementation and precision that computed the numbers. */
  readonly oracle: string
  readonly tokenIds: readonly number[]
  /** The oracle's most likely next token after position i. */
  readonly top1: readonly number[]
  /** The oracle's log probability of token i + 1 after position i. */
  readonly logprobs: readonly number[]
}

export const defaultGoldenPath = fileURLToPath(new URL('../../../../test/golden/default-model/golden.json', import.meta.url))

/** Throws `golden_unusable`. */
export function readGolden (path: string): Golden {
  const refuse = (reason: string, cause?: unknown) => makeError(benchErrors, 'golden_unusable', { path, reason }, { cause })
  let parsed: Partial<Record<'oracle' | 'token_ids' | 'top1' | 'logprobs', unknown>>
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw refuse((error as NodeJS.ErrnoException).code ?? 'it is not JSON', error)
  }
  const tokenIds = numbers(parsed.token_ids)
  const top1 = numbers(parsed.top1)
  const logprobs = numbers(parsed.logprobs)
  if (tokenIds === undefined || top1 === undefined || logprobs === undefined) throw refuse('token_ids, top1 and logprobs must be lists of numbers')
  if (top1.length !== tokenIds.length - 1 || logprobs.length !== top1.length) throw refuse('top1 and logprobs must be one shorter than token_ids')
  return { oracle: String(parsed.oracle ?? 'unknown'), tokenIds, top1, logprobs }
}

/** The first `numPositions` positions; all of them for 0. */
export function cutGolden (golden: Golden, numPositions: number): Golden {
  if (numPositions === 0 || numPositions >= golden.top1.length) return golden
  return {
    oracle: golden.oracle,
    tokenIds: golden.tokenIds.slice(0, numPositions + 1),
    top1: golden.top1.slice(0, numPositions),
    logprobs: golden.logprobs.slice(0, numPositions)
  }
}

function numbers (value: unknown): number[] | undefined {
  return Array.isArray(value) && value.every(item => typeof item === 'number') ? value : undefined
}
