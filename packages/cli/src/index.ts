// Owns the public surface of the command line.
import { runProgram } from './command-line/run.js'
import type { ExitCode } from './commands/command.js'
import { onStopSignal } from './terminal/stop-signals.js'
import { processTerminal } from './terminal/terminal.js'

export { createProgram } from './command-line/program.js'
export { addFlags, givenFlags } from './command-line/flags.js'
export type { CommandContext, ExitCode } from './commands/command.js'
export { onStopSignal } from './terminal/stop-signals.js'
export { processTerminal } from './terminal/terminal.js'
export type { Terminal } from './terminal/terminal.js'
export { ProgressLine } from './terminal/progress-line.js'
export { formatBytes, formatPercent, formatSeconds, formatTable } from './terminal/format.js'
export { findFreePort } from './launcher/ports.js'
export { promptSource } from './bench/prompts.js'
export { seededRandom } from './bench/random.js'
export { currentCommit, describeMachine } from './bench/report.js'
export type { Machine } from './bench/report.js'
export { distributionOf } from './bench/statistics.js'
export type { Distribution } from './bench/statistics.js'
export { sendStreaming } from './bench/streaming-request.js'
export type { RequestRecord, Target } from './bench/streaming-request.js'
export { loadOptionTables, serviceNames } from './services.js'

/** Runs `tandem ARGS`; resolves with the exit code. The only place that sees the process's environment is the caller. */
export async function runCommandLine (
  args: readonly string[], env: Readonly<Record<string, string | undefined>>
): Promise<ExitCode> {
  return await runProgram(args, { env, terminal: processTerminal(env), onStopSignal })
}
