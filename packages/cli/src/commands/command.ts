// Owns what every command is given and how it ends.
import type { Terminal } from '../terminal/terminal.js'

export interface CommandContext {
  readonly terminal: Terminal
  readonly env: Readonly<Record<string, string | undefined>>
  /** Calls `stop` at the first signal to end and `kill` at the second; returns how to stop listening. */
  readonly onStopSignal: (stop: () => void, kill: () => void) => () => void
}

/** 0 done, 1 it failed, 2 it was asked wrongly. */
export type ExitCode = 0 | 1 | 2
