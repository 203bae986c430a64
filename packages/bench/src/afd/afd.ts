// Owns the `afd` bench: attention and feed-forward in two processes against both in one, on the same cores, in one run.
import { setTimeout as delay } from 'node:timers/promises'
import { formatPercent, formatTable } from '@tandem/cli'
import type { CommandContext, ExitCode } from '@tandem/cli'
import { defineOptions, parseOptions } from '@tandem/core'
import type { OptionsOf } from '@tandem/core'
import { BenchRun } from '../bench-run.js'
import { errorLines, latencyTable, mediansOf, ratiosOf, speedTable } from '../load/report.js'
import type { Comparison } from '../load/report.js'
import { measureRounds } from '../load/rounds.js'
import { decodeWorkload, parseUsers } from '../load/workload.js'
import type { Workload } from '../load/workload.js'
import { describeSurroundings, surroundingsText } from '../machine.js'
import { writeReport } from '../report-file.js'
import { getText } from '../servers/http.js'
import type { Server } from '../servers/server.js'
import { startTandem } from '../servers/tandem-cluster.js'
import { loadOptions, startOptions } from '../serve/options.js'
import { addDifference, noStageTotals, readStageTotals, stageTimesOf } from './stage-times.js'
import type { StageTimes, StageTotals } from './stage-times.js'

export const afdOptions = defineOptions({
  ...loadOptions,
  transport: { type: 'string', description: 'connector of the two processes', default: 'auto', choices: ['auto', 'shm', 'tcp', 'grpc'] },
  ...startOptions
})
type AfdOptions = OptionsOf<typeof afdOptions>

/** Workers report their counters with the heartbeat: often here, so that little waiting makes them whole. */
const heartbeatMs = 200
const settleMs = 3 * heartbeatMs
const afdName = '1A1F'
const colocatedName = 'colocated'

interface Outcome {
  readonly comparison: Comparison
  readonly servers: readonly Server[]
  /** By workload, then server. */
  readonly stages: Readonly<Record<string, Readonly<Record<string, StageTimes>>>>
}

/** Exit code 1 when a request failed. */
export async function runAfd (given: Readonly<Record<string, unknown>>, passedOn: readonly string[], context: CommandContext): Promise<ExitCode> {
  const options = parseOptions(afdOptions, { flags: given })
  const workloads = parseUsers(options.users).map(numUsers => decodeWorkload(numUsers, options.promptWords, options.maxTokens))
  const surroundings = describeSurroundings()
  const { comparison, servers, stages } = await BenchRun.with(context, async run => await measure(run, options, workloads, passedOn))
  context.terminal.out([
    surroundingsText(surroundings),
    ...servers.map(({ name, model, facts }) => `${name}: ${model}, ${Object.values(facts).join(', ')}`),
    '',
    speedTable(comparison),
    latencyTable(comparison),
    stageTable(comparison, stages),
    errorLines(comparison)
  ].join('\n'))
  const { output: _output, ...asked } = options
  writeReport(options.output, {
    bench: 'afd',
    ...surroundings,
    options: asked,
    servers: servers.map(({ name, model, facts }) => ({ name, model, ...facts })),
    results: workloads.map(workload => {
      const medians = mediansOf(comparison, workload)
      const measurements = comparison.measurements[workload.name]
      return { workload: workload.name, measurements, medians, ratios: ratiosOf(medians, afdName), stages: stages[workload.name] }
    })
  })
  return errorLines(comparison) === '' ? 0 : 1
}

async function measure (run: BenchRun, options: AfdOptions, workloads: readonly Workload[], passedOn: readonly string[]): Promise<Outcome> {
  const { env, signal } = run
  const start = (name: string, connector: string) => run.use(name, () => startTandem({
    name,
    port: 0,
    flags: ['--heartbeat-interval-ms', String(heartbeatMs), ...passedOn, '--connector', connector],
    env,
    timeoutMs: options.startTimeout * 1000,
    signal
  }))
  const servers = [await start(afdName, options.transport), await start(colocatedName, 'loopback')]
  const ledger = new StageLedger()
  const measurements = await measureRounds({
    servers,
    workloads,
    warmupS: options.warmupSeconds,
    numRounds: options.rounds,
    seed: options.seed,
    signal,
    onProgress: run.say,
    around: async (server, workload, turn) => {
      const before = await settledTotals(server)
      const waves = await turn()
      const busyS = waves.reduce((total, wave) => total + wave.durationMs, 0) / 1000
      ledger.add(workload.name, server.name, { before, after: await settledTotals(server), busyS })
      return waves
    }
  })
  return { comparison: { workloads, servers, measurements }, servers, stages: ledger.times() }
}

async function settledTotals ({ name, url }: Server): Promise<StageTotals> {
  await delay(settleMs)
  return readStageTotals(await getText(name, url, '/metrics'))
}

/** Adds up the rounds. */
class StageLedger {
  private readonly entries = new Map<string, Map<string, { totals: StageTotals, busyS: number }>>()

  add (workload: string, server: string, turn: { before: StageTotals, after: StageTotals, busyS: number }): void {
    const byServer = this.entries.get(workload) ?? new Map<string, { totals: StageTotals, busyS: number }>()
    this.entries.set(workload, byServer)
    const { totals, busyS } = byServer.get(server) ?? { totals: noStageTotals, busyS: 0 }
    byServer.set(server, { totals: addDifference(totals, turn.after, turn.before), busyS: busyS + turn.busyS })
  }

  times (): Record<string, Record<string, StageTimes>> {
    return Object.fromEntries([...this.entries].map(([workload, byServer]) => [workload, Object.fromEntries(
      [...byServer].map(([server, { totals, busyS }]) => [server, stageTimesOf(totals, busyS)]))]))
  }
}

export function stageTable ({ workloads, servers }: Comparison, stages: Outcome['stages']): string {
  const rows = workloads.flatMap(workload => servers.map(({ name }) => {
    const times = stages[workload.name]?.[name]
    if (times === undefined) return [workload.label, name]
    const { stepMs, attentionMs, ffnWaitMs, sampleMs, ffnComputeMs, ffnMerge, attentionBubble, ffnBubble, betweenSteps } = times
    const hasFfn = ffnComputeMs > 0
    return [
      workload.label, name,
      ...[stepMs, attentionMs, ffnWaitMs, sampleMs].map(value => value.toFixed(2)),
      ...(hasFfn ? [ffnComputeMs.toFixed(2), ffnMerge.toFixed(2)] : ['-', '-']),
      formatPercent(attentionBubble), hasFfn ? formatPercent(ffnBubble) : '-', formatPercent(betweenSteps)
    ]
  }))
  return formatTable(
    ['ms per step', '', 'step', 'attention', 'ffn wait', 'sample', 'ffn compute', 'frames/batch', 'A idle', 'F idle', 'no step'], rows)
}
