// Owns the split of a step into ubatches: contiguous groups of lines with about equal numbers of tokens.
import type { ScheduledSequence } from './types.js'

/** Sets `ubatchIdx` of every line; returns how many ubatches there are, each with at least one line. */
export function splitIntoUbatches (lines: readonly ScheduledSequence[], numTokens: number, maxUbatches: number): number {
  const numUbatches = Math.min(maxUbatches, lines.length)
  let before = 0
  let previousGroup = -1
  let ubatchIdx = -1
  for (const line of lines) {
    // The group in which the middle of the line falls when the tokens are laid out end to end.
    const group = Math.min(numUbatches - 1, Math.floor(((before + line.numScheduledTokens / 2) * numUbatches) / numTokens))
    if (group !== previousGroup) { ubatchIdx++; previousGroup = group }
    line.ubatchIdx = ubatchIdx
    before += line.numScheduledTokens
  }
  return ubatchIdx + 1
}
