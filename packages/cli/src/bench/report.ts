// Owns how a bench run is written: a table for people, an object for JSON.
import { spawnSync } from 'node:child_process'
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { formatBytes, formatTable } from '../terminal/format.js'
import type { Distribution, Summary } from './statistics.js'

export interface Machine {
  readonly cpu: string
  readonly numCores: number
  readonly memoryBytes: number
  readonly platform: string
  readonly node: string
}

export interface BenchReport {
  readonly machine: Machine
  /** Commit of this checkout; undefined outside one. */
  readonly commit: string | undefined
  readonly startedAt: string
  readonly server: { readonly url: string, readonly model: string, readonly endpoint: string }
  readonly load: Readonly<Record<string, unknown>>
  readonly interrupted: boolean
  /** CPU seconds the load generator itself took, per second of the run. */
  readonly benchCpuShare: number
  readonly results: Summary
}

export function describeMachine (): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    numCores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${platform()} ${arch()}`,
    node: process.version
  }
}

export function currentCommit (): string | undefined {
  const folder = fileURLToPath(new URL('.', import.meta.url))
  const run = spawnSync('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: folder, encoding: 'utf8' })
  return run.status === 0 ? run.stdout.trim() : undefined
}

export function reportText (report: BenchReport): string {
  const { machine, results, server } = report
  const head = [
    `${server.model} at ${server.url} (${server.endpoint}), ${describeLoad(report.load)}`,
    `${machine.cpu}, ${machine.numCores} cores, ${formatBytes(machine.memoryBytes)}, Node ${machine.node}` +
    (report.commit === undefined ? '' : `, commit ${report.commit}`),
    '',
    `requests      ${results.numRequests - results.numFailed} answered, ${results.numFailed} failed, ${results.numRetries} retries, ` +
    `${results.requestsPerSecond.toFixed(2)} per second${report.interrupted ? ' (interrupted)' : ''}`,
    `output tokens ${results.outputTokens} (counted from ${results.tokensCountedFrom}), ${results.outputTokensPerSecond.toFixed(1)} per second`,
    `all tokens    ${results.outputTokens + results.promptTokens}, ${results.totalTokensPerSecond.toFixed(1)} per second`,
    `time          ${results.durationS.toFixed(1)} s; this load generator took ${(report.benchCpuShare * 100).toFixed(1)}% of a core`,
    ''
  ]
  const errors = Object.entries(results.errors).map(([message, count]) => `error (${count}x): ${message}\n`).join('')
  if (results.numFailed === results.numRequests) return `${head.slice(0, 4).join('\n')}\n${errors}`
  const table = formatTable(['ms', 'mean', 'p50', 'p95', 'p99', 'max'], [
    latencyRow('TTFT', results.ttftMs), latencyRow('ITL', results.itlMs), latencyRow('TPOT', results.tpotMs), latencyRow('E2E', results.e2eMs)
  ])
  return `${head.join('\n')}\n${table}${errors}`
}

function describeLoad (load: Readonly<Record<string, unknown>>): string {
  const { rate, concurrency, promptFile, promptIds, promptTokens, maxTokens } = load
  const pace = Number(rate) > 0 ? `${String(rate)} requests/s` : `${String(concurrency)} ${concurrency === 1 ? 'user' : 'users'}`
  const prompts = promptFile === undefined ? `prompts of ${promptIds === true ? '' : 'about '}${String(promptTokens)} tokens` : `prompts of ${String(promptFile)}`
  return `${pace}, ${prompts}, ${String(maxTokens)} output tokens at most`
}

function latencyRow (name: string, distribution: Distribution): string[] {
  const { count, mean, p50, p95, p99, max } = distribution
  return [name, ...[mean, p50, p95, p99, max].map(value => count === 0 ? '-' : value.toFixed(value < 100 ? 2 : 0))]
}
