// Owns the `serve` bench: Tandem as `npm start` runs it against peers, through HTTP, in one run on one machine.
import type { CommandContext, ExitCode } from '@tandem/cli'
import { parseOptions } from '@tandem/core'
import type { OptionsOf } from '@tandem/core'
import { BenchRun } from '../bench-run.js'
import { errorLines, latencyTable, mediansOf, ratiosOf, speedTable } from '../load/report.js'
import type { Comparison } from '../load/report.js'
import { measureRounds } from '../load/rounds.js'
import { decodeWorkload, parseUsers, prefillWorkload } from '../load/workload.js'
import type { Workload } from '../load/workload.js'
import { describeSurroundings, surroundingsText } from '../machine.js'
import type { Surroundings } from '../machine.js'
import { writeReport } from '../report-file.js'
import { connectPeer, parsePeerCommand, parsePeerUrl, requireDistinctNames, startPeer } from '../servers/peer.js'
import type { PeerCommand, PeerUrl } from '../servers/peer.js'
import type { Server } from '../servers/server.js'
import { startTandem } from '../servers/tandem-cluster.js'
import { serveOptions } from './options.js'
import { runSelfMeasured } from './self-measured.js'
import type { SelfMeasured } from './self-measured.js'

type ServeOptions = OptionsOf<typeof serveOptions>

export interface ServeFlags {
  readonly own: Readonly<Record<string, unknown>>
  readonly peers: readonly string[]
  readonly peerCommands: readonly string[]
  /** Flags of `tandem up`. */
  readonly passedOn: readonly string[]
}

interface Peers {
  readonly running: readonly PeerUrl[]
  readonly started: readonly PeerCommand[]
}

const ownName = 'tandem'
const selfMeasuredName = 'openvino'

/** Exit code 1 when a request failed. */
export async function runServe (flags: ServeFlags, context: CommandContext): Promise<ExitCode> {
  const options = parseOptions(serveOptions, { flags: flags.own })
  const workloads = workloadsOf(options)
  const peers: Peers = { running: flags.peers.map(parsePeerUrl), started: flags.peerCommands.map(parsePeerCommand) }
  requireDistinctNames([ownName, selfMeasuredName, ...peers.running.map(peer => peer.name), ...peers.started.map(peer => peer.name)])
  const surroundings = describeSurroundings()
  const cpuBefore = process.cpuUsage()
  const { comparison, selfMeasured, servers, durationS } = await BenchRun.with(context, async run =>
    await measure(run, options, workloads, peers, flags.passedOn))
  const cpu = process.cpuUsage(cpuBefore)
  const benchCpuShare = (cpu.user + cpu.system) / 1e6 / durationS
  const more = selfMeasured === undefined ? {} : { [selfMeasuredName]: selfMeasured.figures }
  context.terminal.out([
    surroundingsText(surroundings),
    ...servers.map(describeServer),
    '',
    speedTable(comparison, more),
    latencyTable(comparison),
    `${options.rounds} rounds in ${durationS.toFixed(0)} s; this load generator took ${(benchCpuShare * 100).toFixed(1)}% of a core`,
    errorLines(comparison)
  ].join('\n'))
  writeReport(options.output, reportJson({ surroundings, options, comparison, servers, selfMeasured, durationS, benchCpuShare }))
  return errorLines(comparison) === '' ? 0 : 1
}

function workloadsOf (options: ServeOptions): Workload[] {
  const decode = parseUsers(options.users).map(numUsers => decodeWorkload(numUsers, options.promptWords, options.maxTokens))
  return options.prefillPrompts === 0 ? decode : [...decode, prefillWorkload(options.prefillPrompts, options.prefillWords)]
}

interface Outcome {
  readonly comparison: Comparison
  readonly selfMeasured: SelfMeasured | undefined
  readonly servers: readonly Server[]
  readonly durationS: number
}

async function measure (
  run: BenchRun, options: ServeOptions, workloads: readonly Workload[], peers: Peers, passedOn: readonly string[]
): Promise<Outcome> {
  const { env, signal } = run
  const timeoutMs = options.startTimeout * 1000
  const starting = { env, timeoutMs, signal }
  const servers: Server[] = [await run.use(ownName, () => startTandem({ name: ownName, port: options.port, flags: passedOn, ...starting }))]
  for (const peer of peers.running) servers.push(await run.use(peer.name, () => connectPeer(peer)))
  for (const peer of peers.started) servers.push(await run.use(peer.name, () => startPeer(peer, starting)))
  let selfMeasured: SelfMeasured | undefined
  const startedMs = performance.now()
  const measurements = await measureRounds({
    servers,
    workloads,
    warmupS: options.warmupSeconds,
    numRounds: options.rounds,
    seed: options.seed,
    signal,
    onProgress: run.say,
    atHalf: async () => {
      if (options.openvino === undefined) return
      run.say(`running the ${selfMeasuredName} command`)
      selfMeasured = await runSelfMeasured(selfMeasuredName, options.openvino, env, signal)
    }
  })
  return { comparison: { workloads, servers, measurements }, selfMeasured, servers, durationS: (performance.now() - startedMs) / 1000 }
}

function describeServer ({ name, model, facts }: Server): string {
  return `${name}: ${model}, ${Object.values(facts).filter(value => value !== '').join(', ')}`
}

interface ReportParts extends Outcome {
  readonly surroundings: Surroundings
  readonly options: ServeOptions
  readonly benchCpuShare: number
}

function reportJson ({ surroundings, options, comparison, servers, selfMeasured, durationS, benchCpuShare }: ReportParts): unknown {
  const { output: _output, ...asked } = options
  return {
    bench: 'serve',
    ...surroundings,
    options: asked,
    servers: servers.map(({ name, url, model, facts }) => ({ name, url, model, ...facts })),
    durationS,
    benchCpuShare,
    results: comparison.workloads.map(workload => {
      const figures = { ...mediansOf(comparison, workload), ...selfMeasuredFigure(selfMeasured, workload) }
      return { workload: workload.name, measurements: comparison.measurements[workload.name], medians: figures, ratios: ratiosOf(figures, ownName) }
    }),
    selfMeasured: selfMeasured?.printed
  }
}

function selfMeasuredFigure (selfMeasured: SelfMeasured | undefined, workload: Workload): Record<string, number> {
  const value = selfMeasured?.figures[workload.name]
  return value === undefined ? {} : { [selfMeasuredName]: value }
}
