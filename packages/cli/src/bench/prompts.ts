// Owns what the bench asks: made-up prompts of a wanted length, or the lines of a file. No two made-up prompts share a
// beginning, so that a prefix cache does not flatter the server.
import { readFileSync } from 'node:fs'
import { makeError } from '@tandem/core'
import { cliErrors } from '../errors.js'
import { systemReason } from '../terminal/system-reason.js'

export type Prompt = string | readonly number[]

/** Words that byte-pair vocabularies hold whole, with their leading space. */
const words = ('time people way day man thing woman life child world school state family student group country problem hand part ' +
  'place case week company system program question work government number night point home water room mother area money story ' +
  'fact month lot right study book eye job word business issue side kind head house service friend father power hour game line ' +
  'end member law car city community name president team minute idea body information back parent face others level office door ' +
  'health person art war history party result change morning reason research girl guy moment air teacher force education').split(' ')

/** Ids every vocabulary in use has, above control tokens. */
const tokenIdRange = { start: 1_000, end: 20_000 } as const

export interface PromptOptions {
  readonly promptTokens: number
  readonly promptIds: boolean
  readonly promptFile: string | undefined
}

/** Throws `file_unreadable`. */
export function promptSource (options: PromptOptions, random: () => number): () => Prompt {
  if (options.promptFile !== undefined) return cycle(readLines(options.promptFile))
  const length = options.promptTokens
  if (options.promptIds) {
    const span = tokenIdRange.end - tokenIdRange.start
    return () => Array.from({ length }, () => tokenIdRange.start + Math.floor(random() * span))
  }
  return () => Array.from({ length }, () => words[Math.floor(random() * words.length)]).join(' ')
}

function readLines (path: string): string[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw makeError(cliErrors, 'file_unreadable', { path, reason: systemReason(error) }, { cause: error })
  }
  const lines = text.split(/\r?\n/).filter(line => line.trim() !== '')
  if (lines.length === 0) throw makeError(cliErrors, 'file_unreadable', { path, reason: 'it has no prompt' })
  return lines
}

function cycle (lines: readonly string[]): () => string {
  let idx = 0
  return () => lines[idx++ % lines.length] ?? ''
}
