// Owns a terminal that remembers what was written.
import type { Terminal } from '../../src/terminal/terminal.js'

export interface MemoryTerminal extends Terminal {
  readonly stdout: () => string
  readonly stderr: () => string
}

export function memoryTerminal (onWrite: () => void = () => {}): MemoryTerminal {
  let out = ''
  let err = ''
  return {
    out: text => { out += text; onWrite() },
    err: text => { err += text; onWrite() },
    stdout: () => out,
    stderr: () => err,
    interactive: false,
    colors: false
  }
}
