// Owns a whole Tandem on this machine for the time of a bench: `tandem up` as a child, and what its cluster says about itself.
import { fileURLToPath } from 'node:url'
import { findFreePort } from '@tandem/cli'
import { isTandemError, makeError } from '@tandem/core'
import { benchErrors } from '../errors.js'
import { ChildServer } from './child-server.js'
import { firstModel, getText, statusOf } from './http.js'
import type { StartOptions } from './peer.js'
import type { Server } from './server.js'

export interface TandemOptions extends StartOptions {
  readonly name: string
  /** 0 for a free one. */
  readonly port: number
  /** Flags of `tandem up`. */
  readonly flags: readonly string[]
}

/** The part of GET /admin/v1/cluster that benches read. */
export interface ClusterWorker {
  readonly worker_id: string
  readonly role: 'attention' | 'ffn'
  readonly backend: string
  readonly backend_reason: string
  readonly pid: number
  readonly kv_cache_bytes: number
  readonly kv_dtype: string
  readonly colocated: boolean
  readonly stats?: { readonly weight_bytes: number }
}

export interface TandemServer extends Server {
  /** Process of `tandem up`; the others descend from it. */
  readonly pid: number
}

const host = '127.0.0.1'
const command = fileURLToPath(new URL('../../../cli/bin/tandem.mjs', import.meta.url))
/** They would change what is measured, or who may ask. */
const variablesDropped = ['TANDEM_API_KEY', 'TANDEM_HOST', 'TANDEM_PORT'] as const

/** Throws what `waitUntilReady` throws; nothing is left running then. */
export async function startTandem (options: TandemOptions): Promise<TandemServer> {
  const { name, signal, timeoutMs } = options
  const port = options.port > 0 ? options.port : await findFreePort(host, 0)
  const url = `http://${host}:${port}`
  const env = { ...options.env }
  for (const variable of variablesDropped) delete env[variable]
  const child = new ChildServer(name, {
    file: process.execPath, args: [command, 'up', ...options.flags, '--host', host, '--port', String(port)], env
  })
  try {
    await child.waitUntilReady({ probe: async () => await statusOf(`${url}/ready`) === 200, url, timeoutMs, signal })
    const facts = describeWorkers(await readWorkers(name, url))
    return { name, url, model: await firstModel(name, url), facts, stop: () => child.stop(), pid: child.pid ?? 0 }
  } catch (error) {
    await child.stop()
    throw asUsage(error)
  }
}

/** `tandem up` knows its flags; what it refuses was asked of us. */
function asUsage (error: unknown): unknown {
  if (!isTandemError(error) || error.code !== 'server_ended' || error.facts['how'] !== 'code 2') return error
  return makeError(benchErrors, 'usage', { reason: String(error.facts['reason']) }, { cause: error })
}

export async function readWorkers (name: string, url: string): Promise<ClusterWorker[]> {
  const { workers } = JSON.parse(await getText(name, url, '/admin/v1/cluster')) as { workers: ClusterWorker[] }
  return workers
}

/** `{topology: '1A1F', backend: 'cpu', ...}` */
export function describeWorkers (workers: readonly ClusterWorker[]): Record<string, unknown> {
  const attention = workers.filter(worker => worker.role === 'attention')
  const numFfn = workers.filter(worker => worker.role === 'ffn').length
  const distinct = (read: (worker: ClusterWorker) => string) => [...new Set(workers.map(read))].join(', ')
  return {
    topology: attention.some(worker => worker.colocated) ? `${attention.length} colocated` : `${attention.length}A${numFfn}F`,
    backend: distinct(worker => worker.backend),
    backendReason: distinct(worker => worker.backend_reason),
    kvDtype: attention[0]?.kv_dtype ?? ''
  }
}
