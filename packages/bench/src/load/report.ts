// Owns how measurements of several servers are written side by side: a table for people, an object for JSON.
import { formatTable } from '@tandem/cli'
import { ratio } from '../statistics.js'
import type { Server } from '../servers/server.js'
import type { Measurement, Measurements } from './rounds.js'
import type { Workload } from './workload.js'

export interface Comparison {
  readonly workloads: readonly Workload[]
  /** The first is the one the others are compared with. */
  readonly servers: readonly Pick<Server, 'name'>[]
  readonly measurements: Measurements
}

/** Median tokens/s of `name`, undefined where it was not measured. */
export type Figures = Readonly<Record<string, number | undefined>>

export function mediansOf ({ measurements }: Comparison, workload: Workload): Figures {
  const byServer = measurements[workload.name] ?? {}
  return Object.fromEntries(Object.entries(byServer).map(([name, measurement]) => [name, measurement.tokensPerSecond.median]))
}

/** `{llama: 2.1}`: how many times as fast `first` is. */
export function ratiosOf (figures: Figures, first: string): Record<string, number> {
  const own = figures[first]
  if (own === undefined) return {}
  return Object.fromEntries(Object.entries(figures).flatMap(([name, value]) => {
    const quotient = name === first || value === undefined ? undefined : ratio(own, value)
    return quotient === undefined ? [] : [[name, quotient]]
  }))
}

/** One row per workload: figure of each server, then the ratios. `more` adds columns measured otherwise. */
export function speedTable (comparison: Comparison, more: Readonly<Record<string, Figures>> = {}): string {
  const [first, ...peers] = [...comparison.servers.map(server => server.name), ...Object.keys(more)]
  if (first === undefined) return ''
  const rows = comparison.workloads.map(workload => {
    const medians = mediansOf(comparison, workload)
    const others = Object.fromEntries(Object.entries(more).map(([name, figures]) => [name, figures[workload.name]]))
    const ratios = ratiosOf({ ...medians, ...others }, first)
    return [
      workload.label,
      ...comparison.servers.map(({ name }) => spreadText(comparison.measurements[workload.name]?.[name])),
      ...Object.values(others).map(value => value === undefined ? '-' : speed(value)),
      ...peers.map(name => ratios[name] === undefined ? '-' : `${ratios[name].toFixed(2)}x`)
    ]
  })
  return formatTable(['tokens/s, median (range)', first, ...peers, ...peers.map(name => `${first} / ${name}`)], rows)
}

export function latencyTable ({ workloads, servers, measurements }: Comparison): string {
  const rows = workloads.flatMap(workload => servers.map(({ name }) => {
    const measurement = measurements[workload.name]?.[name]
    const ttft = measurement?.ttftMs
    const itl = measurement?.itlMs
    return [workload.label, name, ...[ttft?.p50, ttft?.p95, ...(itl?.count === 0 ? [] : [itl?.p50, itl?.p95])].map(milliseconds)]
  }))
  return formatTable(['ms', '', 'TTFT p50', 'p95', 'ITL p50', 'p95'], rows)
}

/** One line per failure; empty when every request was answered. */
export function errorLines ({ workloads, measurements }: Comparison): string {
  return workloads.flatMap(workload => Object.entries(measurements[workload.name] ?? {}).flatMap(([name, { errors }]) =>
    Object.entries(errors).map(([message, count]) => `${name}, ${workload.label}: ${count} failed: ${message}\n`))).join('')
}

function spreadText (measurement: Measurement | undefined): string {
  if (measurement === undefined) return '-'
  const { median, min, max } = measurement.tokensPerSecond
  return `${speed(median)} (${speed(min)}-${speed(max)})`
}

function speed (tokensPerSecond: number): string { return tokensPerSecond.toFixed(tokensPerSecond < 100 ? 1 : 0) }

function milliseconds (value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(value < 100 ? 2 : 0)
}
