// Owns the public surface of the command line.
import { runProgram } from './command-line/run.js'
import type { ExitCode } from './commands/command.js'
import { onStopSignal } from './terminal/stop-signals.js'
import { processTerminal } from './terminal/terminal.js'

export { createProgram } from './command-line/program.js'
export { loadOptionTables, serviceNames } from './services.js'

/** Runs `tandem ARGS`; resolves with the exit code. The only place that sees the process's environment is the caller. */
export async function runCommandLine (
  args: readonly string[], env: Readonly<Record<string, string | undefined>>
): Promise<ExitCode> {
  return await runProgram(args, { env, terminal: processTerminal(env), onStopSignal })
}
