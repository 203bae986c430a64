// Owns the text of the option that picks NUMA nodes. What a choice means is csrc/threads/placement.h's.
import { assert } from '@tandem/core'
import type { NumaNodeChoice } from './types.js'

/** `auto`, `off`, or numbers of nodes as `0` or `0,1`: the services' options have checked it. */
export function numaNodeChoiceOf (text: string): NumaNodeChoice {
  if (text === 'auto' || text === 'off') return text
  const nodes = text.split(',').map(Number)
  assert(nodes.every(node => Number.isInteger(node) && node >= 0), `'${text}' is no choice of NUMA nodes`)
  return [...new Set(nodes)].sort((a, b) => a - b)
}
