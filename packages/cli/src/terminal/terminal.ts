// Owns where the command line writes: injected, so that tests read what a user would.

export interface Terminal {
  /** Results: what a pipe should get. */
  out (text: string): void
  /** Progress, logs and errors. */
  err (text: string): void
  /** True when stderr is a person's terminal: spinners and bars are drawn there. */
  readonly interactive: boolean
  readonly colors: boolean
}

export function processTerminal (env: Readonly<Record<string, string | undefined>>): Terminal {
  // A reader that left (`| head`) is no failure, and a cluster must not die of it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const interactive = process.stderr.isTTY === true && env['TERM'] !== 'dumb' && env['CI'] === undefined
  return {
    out: text => { process.stdout.write(text) },
    err: text => { process.stderr.write(text) },
    interactive,
    colors: interactive && env['NO_COLOR'] === undefined
  }
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

export type Style = keyof typeof codes

export function paint (terminal: Terminal, style: Style, text: string): string {
  return terminal.colors ? `\u001B[${codes[style]}m${text}\u001B[0m` : text
}
