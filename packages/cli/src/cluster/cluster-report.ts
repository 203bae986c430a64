// Owns how a cluster is shown: a table for people, JSON in snake_case for programs. Pure.
import type { Cluster__Output, WorkerStatus__Output } from '@tandem/protocol'
import { formatBytes, formatPercent, formatTable } from '../terminal/format.js'

const header = ['WORKER', 'ROLE', 'STATE', 'WEIGHTS', 'KV CACHE', 'RSS', 'RUNNING', 'SHARDS', 'HOST', 'PID', 'BACKEND']

export function clusterText (cluster: Cluster__Output): string {
  const { state } = cluster
  const serving = state?.ready === true ? `serving ${state.modelName}` : `not ready: ${state?.reason ?? 'unknown'}`
  const lines = [
    `Tandem ${cluster.version}, ${serving}`,
    `epoch ${cluster.epoch}, split ${splitName(cluster.split)}, store ${cluster.store}, ` +
    `requests ${cluster.numRequestsRunning} running, ${cluster.numRequestsWaiting} waiting`,
    workersLine(cluster),
    ''
  ]
  const workers = [...cluster.workers].sort((left, right) => sortKey(left).localeCompare(sortKey(right)))
  return lines.join('\n') + '\n' + formatTable(header, workers.map(row))
}

function workersLine (cluster: Cluster__Output): string {
  const count = (role: string) => cluster.workers.filter(worker => roleName(worker) === role).length
  const targets = cluster.hasLauncher ? ` (targets ${cluster.targetAttention} and ${cluster.targetFfn})` : ' (no launcher: started by hand)'
  return `workers ${count('attention')} attention, ${count('ffn')} ffn${targets}`
}

function row (worker: WorkerStatus__Output): string[] {
  return [
    worker.workerId,
    worker.colocated ? `${roleName(worker)} + ffn` : roleName(worker),
    worker.state,
    formatBytes(worker.stats?.weightBytes ?? 0),
    kvCache(worker),
    formatBytes(worker.stats?.rssBytes ?? 0),
    roleName(worker) === 'attention' ? String(worker.numRunning) : '-',
    shards(worker),
    worker.host,
    String(worker.pid),
    worker.backendReason === '' ? worker.backend : `${worker.backend}: ${worker.backendReason}`
  ]
}

function kvCache (worker: WorkerStatus__Output): string {
  if (worker.numKvBlocks === 0) return '-'
  const used = formatPercent((worker.numKvBlocks - worker.numFreeKvBlocks) / worker.numKvBlocks)
  return `${used} of ${formatBytes(worker.kvCacheBytes)} ${worker.kvDtype}`.trimEnd()
}

/** `0-3 of 8, instance 0` */
function shards (worker: WorkerStatus__Output): string {
  const range = worker.assignment?.shards
  if (worker.assignment === undefined || worker.assignment === null || !range) return '-'
  return `${range.start}-${range.end - 1}, instance ${worker.assignment.instanceIdx}`
}

function roleName (worker: WorkerStatus__Output): string {
  return enumName(worker.role)
}

function splitName (split: string): string { return enumName(split) }

/** The last word of an enum constant: WORKER_ROLE_FFN -> ffn. */
function enumName (constant: string): string {
  return constant.slice(constant.lastIndexOf('_') + 1).toLowerCase()
}

function sortKey (worker: WorkerStatus__Output): string { return `${roleName(worker)} ${worker.workerId}` }

/** The Cluster message with snake_case keys and short enum names. */
export function clusterJson (cluster: Cluster__Output): unknown {
  return snakeCase(cluster)
}

function snakeCase (value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCase)
  if (typeof value === 'string') return /^(WORKER_ROLE|FFN_SPLIT)_[A-Z]+$/.test(value) ? enumName(value) : value
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    // Keys with a leading underscore are the codec's marks of optional fields.
    .filter(([key]) => !key.startsWith('_'))
    .map(([key, entry]) => [key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`), snakeCase(entry)] as const)
  return Object.fromEntries(entries)
}
