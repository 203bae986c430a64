// Owns one run of the command line: from arguments to an exit code. Whatever a user can do wrong ends as one line; only a
// bug of ours shows a stack trace.
import { CommanderError } from 'commander'
import type { Command } from 'commander'
import { isTandemError, optionErrors } from '@tandem/core'
import { loadOptionTables, serviceNames } from '../services.js'
import type { ServiceName } from '../services.js'
import type { CommandContext, ExitCode } from '../commands/command.js'
import type { Terminal } from '../terminal/terminal.js'
import { version } from '../version.js'
import { createProgram } from './program.js'

export async function runProgram (args: readonly string[], context: CommandContext): Promise<ExitCode> {
  let exitCode: ExitCode = 0
  try {
    const tables = await loadOptionTables(tablesNeeded(args))
    const program = createProgram({ tables, version, context, finish: code => { exitCode = code } })
    quietly(program, context.terminal)
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    return explain(error, context.terminal)
  }
}

/** `tandem status` must not load the services. */
function tablesNeeded (args: readonly string[]): readonly ServiceName[] {
  const command = args.find(argument => argument !== 'help' && !argument.startsWith('-'))
  if (command === 'up') return serviceNames
  return serviceNames.filter(name => name === command)
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
    if (error.code !== 'commander.help') terminal.err(`tandem: ${usageLine(error.message)}\n`)
    return 2
  }
  if (isTandemError(error)) {
    terminal.err(`tandem: ${error.message}\n`)
    return error.code === 'usage' || error.code in optionErrors ? 2 : 1
  }
  terminal.err(`tandem: ${error instanceof Error ? error.stack ?? error.message : String(error)}\n`)
  return 1
}

/** `unknown option '--prot' (did you mean --port?); see tandem up --help` */
function usageLine (message: string): string {
  return message.replace(/^error: /, '').replace(/\s*\n\(Did you mean/, ' (did you mean').replaceAll('\n', ' ')
}
