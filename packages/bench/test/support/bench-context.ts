// Owns the surroundings of a bench under test: a terminal that remembers, no signals.
import type { CommandContext } from '@tandem/cli'
import { memoryTerminal } from '../../../cli/test/support/memory-terminal.js'
import type { MemoryTerminal } from '../../../cli/test/support/memory-terminal.js'

export function benchContext (): CommandContext & { readonly terminal: MemoryTerminal } {
  return { env: { PATH: process.env['PATH'] }, terminal: memoryTerminal(), onStopSignal: () => () => {} }
}
