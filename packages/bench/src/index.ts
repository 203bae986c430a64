// Owns one run of `npm run bench`: from arguments to an exit code. Whatever a user can do wrong ends as one line.
import { onStopSignal, processTerminal } from '@tandem/cli'
import type { CommandContext, ExitCode, Terminal } from '@tandem/cli'
import { isTandemError, optionErrors } from '@tandem/core'
import { CommanderError } from 'commander'
import type { Command } from 'commander'
import { engineScriptsFolder, findEngineScript, listEngineScripts } from './engine-scripts.js'
import { createProgram } from './program.js'

/** Resolves with the exit code. The only place that sees the process's environment is the caller. */
export async function runBenches (args: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<ExitCode> {
  return await runProgram(args, { env, terminal: processTerminal(env), onStopSignal }, engineScriptsFolder)
}

export async function runProgram (args: readonly string[], context: CommandContext, scriptsFolder: string): Promise<ExitCode> {
  let exitCode: ExitCode = 0
  try {
    const scripts = listEngineScripts(scriptsFolder)
    const program = createProgram({ scripts, context, finish: code => { exitCode = code } })
    quietly(program, context.terminal)
    const [name = 'help', ...rest] = args
    // A script may be called by its first word.
    await program.parseAsync([findEngineScript(name, scripts)?.name ?? name, ...rest], { from: 'user' })
    return exitCode
  } catch (error) {
    return explain(error, context.terminal)
  }
}

/** Commander throws instead of exiting, and writes nothing about errors itself. */
function quietly (command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: text => terminal.out(text), writeErr: text => terminal.err(text), outputError: () => {}
  })
  for (const child of command.commands) quietly(child, terminal)
}

function explain (error: unknown, terminal: Terminal): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    if (error.code !== 'commander.help') terminal.err(`bench: ${error.message.replace(/^error: /, '').replaceAll('\n', ' ')}\n`)
    return 2
  }
  if (isTandemError(error)) {
    terminal.err(`bench: ${error.message}\n`)
    return error.code === 'usage' || error.code in optionErrors ? 2 : 1
  }
  terminal.err(`bench: ${error instanceof Error ? error.stack ?? error.message : String(error)}\n`)
  return 1
}
