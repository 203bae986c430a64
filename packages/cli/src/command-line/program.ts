// Owns the tree of commands: names, flags, help. What they do is in commands/, loaded when one runs: help needs no gRPC.
import { Command } from 'commander'
import { parseOptions } from '@tandem/core'
import type { OptionTable } from '@tandem/core'
import { serviceNames, serviceSummaries } from '../services.js'
import type { OptionTables, ServiceName } from '../services.js'
import type { CommandContext, ExitCode } from '../commands/command.js'
import { benchOptions } from '../bench/options.js'
import { clusterOptions } from '../cluster/cluster-options.js'
import { modelsDirOption, pullOptions } from '../commands/model-options.js'
import { scaleOptions } from '../commands/scale-options.js'
import type { StatusView } from '../commands/status.js'
import { decidedByUp, upOptions } from '../commands/up-options.js'
import { addFlags, givenFlags } from './flags.js'
import { benchHelp, pullHelp, scaleHelp, serviceHelp, topHelp, upHelp } from './help.js'

export interface ProgramOptions {
  readonly tables: OptionTables
  readonly version: string
  readonly context: CommandContext
  readonly finish: (exitCode: ExitCode) => void
}

export function createProgram (options: ProgramOptions): Command {
  const program = new Command('tandem')
    .description('LLM server with separate attention and feed-forward workers')
    .version(options.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .addHelpText('after', topHelp)
  addUp(program, options)
  for (const name of serviceNames) addService(program, name, options)
  addStatus(program, options)
  addScale(program, options)
  addDrain(program, options)
  addPull(program, options)
  addBench(program, options)
  return program
}

function addUp (program: Command, { tables, context, finish }: ProgramOptions): void {
  const passedOn = optionsPassedOn(tables)
  const command = program.command('up').description('start a whole cluster on this machine')
    .helpGroup('Serve:').addHelpText('after', upHelp)
  addFlags(command, upOptions)
  for (const [service, table] of Object.entries(passedOn)) addFlags(command, table, { group: `Passed on to the ${service}:` })
  command.action(async () => {
    const flags = Object.values(passedOn).map(table => {
      const given = givenFlags(command, table)
      // Refuses what the services would refuse, before any of them is started.
      parseOptions(table, { flags: given, env: context.env })
      return given
    })
    const { runUp } = await import('../commands/up.js')
    finish(await runUp({ own: givenFlags(command, upOptions), passedOn: Object.assign({}, ...flags) }, context))
  })
}

/** Each service option once, under the first service that has it, without those `up` decides. */
export function optionsPassedOn (tables: OptionTables): Record<string, OptionTable> {
  const seen = new Set(decidedByUp)
  const result: Record<string, OptionTable> = {}
  for (const [service, table] of Object.entries(tables)) {
    const fresh = Object.entries(table).filter(([key]) => !seen.has(key))
    for (const [key] of fresh) seen.add(key)
    result[service] = Object.fromEntries(fresh)
  }
  return result
}

function addService (program: Command, name: ServiceName, { tables, context, finish }: ProgramOptions): void {
  const command = program.command(name).description(`run one ${name}: ${serviceSummaries[name]}`)
    .helpGroup('Serve:').addHelpText('after', serviceHelp(name))
  const table = tables[name]
  if (table === undefined) return
  addFlags(command, table)
  command.action(async () => {
    const { runService } = await import('../commands/service.js')
    finish(await runService(name, table, givenFlags(command, table), context))
  })
}

function addStatus (program: Command, { context, finish }: ProgramOptions): void {
  const command = program.command('status').description('show workers, memory and load').helpGroup('Operate:')
    .option('--json', 'print JSON')
    .option('--worker <worker>', 'only this worker, by id or host name; exit code 1 unless it is ready')
  addFlags(command, clusterOptions)
  command.action(async (view: StatusView) => {
    const { runStatus } = await import('../commands/status.js')
    finish(await runStatus(givenFlags(command, clusterOptions), view, context))
  })
}

function addScale (program: Command, { context, finish }: ProgramOptions): void {
  const command = program.command('scale').description('change how many workers run, while serving').helpGroup('Operate:')
    .argument('<targets...>', 'attention=N, ffn=N or both')
    .option('--no-wait', 'return at once instead of waiting for the workers')
    .addHelpText('after', scaleHelp)
  addFlags(command, clusterOptions)
  addFlags(command, scaleOptions, { variables: false })
  command.action(async (targets: string[], { wait }: { wait: boolean }) => {
    const { runScale } = await import('../commands/scale.js')
    finish(await runScale(targets, givenFlags(command, { ...clusterOptions, ...scaleOptions }), wait, context))
  })
}

function addDrain (program: Command, { context, finish }: ProgramOptions): void {
  const command = program.command('drain').description('empty a worker so that it can leave').helpGroup('Operate:')
    .argument('<worker>', 'id of the worker, as `tandem status` shows it')
  addFlags(command, clusterOptions)
  command.action(async (worker: string) => {
    const { runDrain } = await import('../commands/drain.js')
    finish(await runDrain(worker, givenFlags(command, clusterOptions), context))
  })
}

function addPull (program: Command, { context, finish }: ProgramOptions): void {
  const command = program.command('pull').description('download a model from the Hugging Face hub').helpGroup('Models:')
    .argument('<model>', 'id of the model, OWNER/NAME')
    .addHelpText('after', pullHelp)
  addFlags(command, pullOptions, { variables: false })
  addFlags(command, modelsDirOption)
  command.action(async (model: string) => {
    const { runPull } = await import('../commands/pull.js')
    finish(await runPull(model, givenFlags(command, { ...pullOptions, ...modelsDirOption }), context))
  })
}

function addBench (program: Command, { context, finish }: ProgramOptions): void {
  const command = program.command('bench').description('measure any OpenAI-compatible server under load').helpGroup('Measure:')
    .addHelpText('after', benchHelp)
  addFlags(command, benchOptions, { variables: false })
  command.action(async () => {
    const { runBench } = await import('../commands/bench.js')
    finish(await runBench(givenFlags(command, benchOptions), context))
  })
}
