// Owns the `idle` bench: what a cluster that serves nobody costs, in CPU time and in memory.
import { setTimeout as delay } from 'node:timers/promises'
import { formatBytes, formatPercent, formatTable } from '@tandem/cli'
import type { CommandContext, ExitCode } from '@tandem/cli'
import { defineOptions, parseOptions } from '@tandem/core'
import type { OptionsOf } from '@tandem/core'
import { BenchRun } from '../bench-run.js'
import { runWave } from '../load/wave.js'
import { decodeWorkload, promptsOf } from '../load/workload.js'
import { describeSurroundings, surroundingsText } from '../machine.js'
import { writeReport } from '../report-file.js'
import { startOptions } from '../serve/options.js'
import { readWorkers, startTandem } from '../servers/tandem-cluster.js'
import type { ClusterWorker, TandemServer } from '../servers/tandem-cluster.js'
import { idleCpuShareMax, residentBytesMax, verdict } from './bounds.js'
import { commandOf, descendants, readProcesses, residentBytes } from './processes.js'

export const idleOptions = defineOptions({
  seconds: { type: 'integer', description: 'how long CPU time is watched', default: 10, min: 1, max: 3600 },
  settleSeconds: { type: 'integer', description: 'how long it may come to rest after the users', default: 75, min: 1, max: 3600 },
  users: { type: 'integer', description: 'users that are served once before, so that memory is in use', default: 32, min: 0, max: 1024 },
  ...startOptions
})
type IdleOptions = OptionsOf<typeof idleOptions>

interface ProcessCost {
  readonly command: string
  readonly pid: number
  /** Of one core. */
  readonly cpuShare: number
  readonly rssBytes: number
}

interface WorkerMemory {
  readonly workerId: string
  readonly role: string
  readonly weightBytes: number
  readonly kvBytes: number
  readonly rssBytes: number
  readonly maxBytes: number
}

interface Outcome {
  readonly facts: Readonly<Record<string, unknown>>
  /** Of one core, while it came to rest: in the first minute V8 collects what the load left. */
  readonly settlingCpuShare: number
  readonly processes: readonly ProcessCost[]
  readonly memory: readonly WorkerMemory[]
}

/** Exit code 0 whatever is measured: limits are printed, not enforced. */
export async function runIdle (given: Readonly<Record<string, unknown>>, passedOn: readonly string[], context: CommandContext): Promise<ExitCode> {
  const options = parseOptions(idleOptions, { flags: given })
  const surroundings = describeSurroundings()
  const { facts, settlingCpuShare, processes, memory } = await BenchRun.with(context, async run => await measure(run, options, passedOn))
  const cpuShare = cpuShareOf(processes)
  context.terminal.out([
    surroundingsText(surroundings),
    Object.values(facts).join(', '),
    '',
    formatTable(['process', 'CPU', 'resident'], processes.map(cost =>
      [cost.command, percent(cost.cpuShare), formatBytes(cost.rssBytes)])),
    `CPU of all, in the ${options.settleSeconds} s after the users: ${percent(settlingCpuShare)} of a core`,
    `CPU of all, then over ${options.seconds} s: ${percent(cpuShare)} of a core; ${verdict(cpuShare, idleCpuShareMax)} ${percent(idleCpuShareMax)}`,
    '',
    formatTable(['worker', 'weights', 'KV pool', 'resident', 'limit', ''], memory.map(worker => [
      worker.workerId,
      ...[worker.weightBytes, worker.kvBytes, worker.rssBytes, worker.maxBytes].map(formatBytes),
      verdict(worker.rssBytes, worker.maxBytes)
    ]))
  ].join('\n'))
  writeReport(options.output, { bench: 'idle', ...surroundings, ...facts, seconds: options.seconds, settleSeconds: options.settleSeconds, settlingCpuShare, cpuShare, processes, memory })
  return 0
}

async function measure (run: BenchRun, options: IdleOptions, passedOn: readonly string[]): Promise<Outcome> {
  const { env, signal } = run
  const timeoutMs = options.startTimeout * 1000
  const server = await run.use('tandem', () => startTandem({ name: 'tandem', port: 0, flags: passedOn, env, timeoutMs, signal }))
  if (options.users > 0) {
    run.say(`serving ${options.users} users once`)
    const workload = decodeWorkload(options.users, 4, 32)
    await runWave(server, workload, promptsOf(workload, 1, 0, 0), signal)
  }
  run.say(`letting it come to rest for ${options.settleSeconds} s`)
  const settlingCpuShare = cpuShareOf(await watch(server, options.settleSeconds, signal))
  run.say(`watching it idle for ${options.seconds} s`)
  const processes = await watch(server, options.seconds, signal)
  const workers = await readWorkers(server.name, server.url)
  return { facts: { model: server.model, ...server.facts }, settlingCpuShare, processes, memory: workers.map(memoryOf) }
}

async function watch (server: TandemServer, seconds: number, signal: AbortSignal): Promise<ProcessCost[]> {
  const before = new Map(readProcesses().map(({ pid, cpuSeconds }) => [pid, cpuSeconds]))
  const startedMs = performance.now()
  await delay(seconds * 1000, undefined, { signal })
  const elapsedS = (performance.now() - startedMs) / 1000
  return descendants(server.pid, readProcesses()).map(({ pid, cpuSeconds }) => ({
    command: pid === server.pid ? 'tandem up' : commandOf(pid),
    pid,
    cpuShare: (cpuSeconds - (before.get(pid) ?? 0)) / elapsedS,
    rssBytes: residentBytes(pid) ?? 0
  }))
}

function memoryOf (worker: ClusterWorker): WorkerMemory {
  const weightBytes = worker.stats?.weight_bytes ?? 0
  return {
    workerId: worker.worker_id,
    role: worker.role,
    weightBytes,
    kvBytes: worker.kv_cache_bytes,
    rssBytes: residentBytes(worker.pid) ?? 0,
    maxBytes: residentBytesMax(weightBytes, worker.kv_cache_bytes)
  }
}

function cpuShareOf (processes: readonly ProcessCost[]): number { return processes.reduce((sum, cost) => sum + cost.cpuShare, 0) }

function percent (share: number): string { return share === 0 ? '0%' : share < 0.001 ? '<0.1%' : formatPercent(share) }
