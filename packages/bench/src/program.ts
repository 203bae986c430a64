// Owns the tree of benches: names, flags, help. What they measure is in their folders.
import { addFlags, givenFlags } from '@tandem/cli'
import type { CommandContext, ExitCode } from '@tandem/cli'
import type { OptionTable } from '@tandem/core'
import { Command } from 'commander'
import { accuracyOptions, runAccuracy } from './accuracy/accuracy.js'
import { afdOptions, runAfd } from './afd/afd.js'
import { runEngineScript } from './engine-scripts.js'
import type { EngineScript } from './engine-scripts.js'
import { idleOptions, runIdle } from './idle/idle.js'
import { serveOptions } from './serve/options.js'
import { runServe } from './serve/serve.js'

export interface ProgramOptions {
  readonly scripts: readonly EngineScript[]
  readonly context: CommandContext
  readonly finish: (exitCode: ExitCode) => void
}

export function createProgram (options: ProgramOptions): Command {
  const program = new Command('bench')
    .usage('NAME [flags]')
    .description('measurements of Tandem on this machine')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [name]', 'print help of a bench')
    .addHelpText('after', topHelp)
  addServe(program, options)
  addAfd(program, options)
  addIdle(program, options)
  addAccuracy(program, options)
  for (const script of options.scripts) addScript(program, script, options)
  return program
}

const topHelp = `
Examples:
  npm run bench -- serve
  npm run bench -- serve --help
  npm run bench -- afd --users 1,32
  npm run bench -- accuracy --backend cpu
  npm run bench -- engine-decode --sequences 32

Exit codes: 0 measured, 1 something failed, 2 asked wrongly. Results go to stdout, progress to stderr.
`

const passesOn = '\nEvery other flag is passed on to `tandem up`: --model, --backend, --connector, --num-ubatches ...\n'

const serveHelp = `
Examples:
  npm run bench -- serve
  npm run bench -- serve --peer llama=http://127.0.0.1:8080 --output result.json
  npm run bench -- serve --peer-command 'llama=llama-server -m model.gguf -np 32 -c 16384 -t 2 --port {port}' --backend cpu
`

function addServe (program: Command, { context, finish }: ProgramOptions): void {
  const command = benchCommand(program, 'serve', 'decode and prefill through HTTP, against peers', serveOptions)
    .option('--peer <name=url>', 'a server that runs already; may be given again', collect)
    .option('--peer-command <name=command>', 'a server to start for the run, with {port} for its port; may be given again', collect)
    .addHelpText('after', passesOn + serveHelp)
  passUnknownOn(command)
  command.action(async () => {
    const { peer = [], peerCommand = [] } = command.opts<{ peer?: string[], peerCommand?: string[] }>()
    finish(await runServe({ own: givenFlags(command, serveOptions), peers: peer, peerCommands: peerCommand, passedOn: command.args }, context))
  })
}

function addAfd (program: Command, { context, finish }: ProgramOptions): void {
  const command = benchCommand(program, 'afd', 'attention and feed-forward in two processes against one; where the time goes', afdOptions)
    .addHelpText('after', passesOn)
  passUnknownOn(command)
  command.action(async () => { finish(await runAfd(givenFlags(command, afdOptions), command.args, context)) })
}

function addIdle (program: Command, { context, finish }: ProgramOptions): void {
  const command = benchCommand(program, 'idle', 'CPU time and memory of a cluster that serves nobody', idleOptions)
    .addHelpText('after', passesOn)
  passUnknownOn(command)
  command.action(async () => { finish(await runIdle(givenFlags(command, idleOptions), command.args, context)) })
}

function addAccuracy (program: Command, { context, finish }: ProgramOptions): void {
  const command = benchCommand(program, 'accuracy', 'agreement of a backend or a server with float32, on a fixed text', accuracyOptions)
  command.action(async () => { finish(await runAccuracy(givenFlags(command, accuracyOptions), context)) })
}

/** The script reads its flags itself, --help included. */
function addScript (program: Command, script: EngineScript, { context, finish }: ProgramOptions): void {
  const [summary = ''] = script.help.split(/(?<=\.)\s/)
  const command = program.command(script.name).description(summary.replaceAll('\n', ' ')).helpGroup('The engine alone:')
    .helpOption(false).addHelpText('after', `\n${script.help}\n`)
  passUnknownOn(command)
  command.action(async () => {
    if (command.args.includes('--help') || command.args.includes('-h')) {
      context.terminal.out(`${script.help}\n`)
      return
    }
    await runEngineScript(script, command.args, context.env)
    finish(0)
  })
}

function benchCommand (program: Command, name: string, description: string, table: OptionTable): Command {
  const command = program.command(name).description(description).helpGroup('Through HTTP and whole:')
  addFlags(command, table, { variables: false })
  return command
}

function passUnknownOn (command: Command): void {
  command.allowUnknownOption().allowExcessArguments()
}

function collect (value: string, earlier: string[] | undefined): string[] { return [...earlier ?? [], value] }
