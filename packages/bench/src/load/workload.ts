// Owns what is asked of a server: how many users at once, how long the prompts, how many tokens back. Prompts are made of common words,
// the same for every server and new in every round: neither a prefix cache nor a prompt cache finds anything.
import { promptSource, seededRandom } from '@tandem/cli'
import { makeError } from '@tandem/core'
import { benchErrors } from '../errors.js'

export interface Workload {
  /** Key in JSON: `decode_8`. */
  readonly name: string
  readonly label: string
  /** Requests sent together. */
  readonly numUsers: number
  readonly promptWords: number
  readonly maxTokens: number
  /** Which tokens its figure counts. */
  readonly counts: 'output' | 'prompt'
  /** Times the users start together in one round, so that short rounds last long enough to tell apart. */
  readonly numWaves: number
}

/** Below this a round of one request is over before its figure settles. */
const minRequests = 3

export function decodeWorkload (numUsers: number, promptWords: number, maxTokens: number): Workload {
  return {
    name: `decode_${numUsers}`,
    label: `decode, ${numUsers} ${numUsers === 1 ? 'user' : 'users'}`,
    numUsers,
    promptWords,
    maxTokens,
    counts: 'output',
    numWaves: Math.ceil(minRequests / numUsers)
  }
}

export function prefillWorkload (numPrompts: number, promptWords: number): Workload {
  return {
    name: 'prefill', label: `prefill, ${numPrompts} x ${promptWords}`, numUsers: numPrompts, promptWords, maxTokens: 1, counts: 'prompt', numWaves: 1
  }
}

/** Requests of one wave. `round` and `wave` choose the words; rounds of the warm-up are below 0. */
export function promptsOf (workload: Workload, seed: number, round: number, wave: number): string[] {
  const key = [...`${workload.name}/${round}/${wave}`].reduce((hash, letter) => Math.imul(hash, 31) + letter.charCodeAt(0), seed)
  const next = promptSource({ promptTokens: workload.promptWords, promptIds: false, promptFile: undefined }, seededRandom(key))
  return Array.from({ length: workload.numUsers }, () => String(next()))
}

/** `1,8,32`. Throws `usage`. */
export function parseUsers (text: string): number[] {
  const users = text.split(',').map(Number)
  if (users.some(count => !Number.isInteger(count) || count < 1 || count > 1024)) {
    throw makeError(benchErrors, 'usage', { reason: `--users ${text}: wanted numbers of users from 1 to 1024, as 1,8,32` })
  }
  return [...new Set(users)]
}
