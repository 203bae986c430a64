// Owns waiting until a request would be served, and saying meanwhile what is still missing.
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster__Output } from '@tandem/protocol'
import { makeError } from '@tandem/core'
import { cliErrors } from '../errors.js'
import { formatBytes } from '../terminal/format.js'
import type { WorkerCounts } from '../cluster/launcher-link.js'

export interface ReadinessOptions {
  /** Base URL of the gateway. */
  readonly url: string
  readonly counts: WorkerCounts
  /** Undefined while the scheduler does not answer yet. */
  readonly getCluster: () => Promise<Cluster__Output | undefined>
  readonly onProgress: (text: string) => void
  readonly timeoutMs: number
  readonly intervalMs?: number
  readonly signal: AbortSignal
}

/** Throws `not_ready` at the deadline, and the signal's reason when it is aborted. */
export async function waitUntilReady (options: ReadinessOptions): Promise<void> {
  const deadline = Date.now() + options.timeoutMs
  let progress = 'starting the scheduler'
  while (true) {
    options.signal.throwIfAborted()
    if (await isReady(options.url)) return
    progress = describeCluster(await options.getCluster(), options.counts)
    options.onProgress(progress)
    if (Date.now() > deadline) {
      throw makeError(cliErrors, 'not_ready', { seconds: Math.round(options.timeoutMs / 1000), reason: progress })
    }
    await delay(options.intervalMs ?? 200, undefined, { signal: options.signal }).catch(() => {})
  }
}

async function isReady (url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(2_000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

/** What the gateway serves, as it lists it: the name clients ask for, and whether it takes chats. */
export async function servedModel (url: string, apiKey: string | undefined): Promise<{ modelName: string, hasChatTemplate: boolean }> {
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }
  const response = await fetch(`${url}/v1/models`, { headers, signal: AbortSignal.timeout(5_000) })
  const { data } = await response.json() as { data?: { id: string, has_chat_template: boolean }[] }
  return { modelName: data?.[0]?.id ?? '', hasChatTemplate: data?.[0]?.has_chat_template ?? true }
}

/** `loading: attention 1/1 ready (53.2 MB), ffn 0/1 ready` */
export function describeCluster (cluster: Cluster__Output | undefined, counts: WorkerCounts): string {
  if (cluster === undefined) return 'starting the scheduler'
  const part = (label: string, role: string, target: number): string[] => {
    if (target === 0) return []
    const workers = cluster.workers.filter(worker => worker.role === role)
    const numReady = workers.filter(worker => worker.state === 'ready').length
    const bytes = workers.reduce((sum, worker) => sum + (worker.stats?.weightBytes ?? 0), 0)
    return [`${label} ${numReady}/${target} ready${bytes > 0 ? ` (${formatBytes(bytes)})` : ''}`]
  }
  const parts = [
    ...part('attention', 'WORKER_ROLE_ATTENTION', counts.attention), ...part('ffn', 'WORKER_ROLE_FFN', counts.ffn)
  ]
  return `loading: ${parts.join(', ')}`
}
