// Owns what GetCluster shows: a read-only picture of the core's books.
import { assignmentToMessage } from '@tandem/protocol'
import type { ClusterMessage, WorkerStatusMessage } from '@tandem/protocol'
import type { AttentionWorker } from './core/attention-worker.js'
import type { FfnWorker } from './core/ffn-pool.js'
import type { SchedulerCore, WorkerRegistration } from './core/index.js'

export interface ClusterViewOptions {
  readonly core: SchedulerCore
  readonly nowMs: number
  readonly store: string
  readonly version: string
}

export function viewCluster ({ core, nowMs, store, version }: ClusterViewOptions): ClusterMessage {
  const { books, ffn, targets } = core
  return {
    state: core.servingState,
    epoch: ffn.epoch,
    split: core.options.ffnSplit === 'ep' ? 'FFN_SPLIT_EP' : 'FFN_SPLIT_TP',
    workers: [
      ...[...books.attention.values()].map(worker => viewAttention(worker, nowMs)),
      ...[...ffn.workers.values()].map(worker => viewFfn(worker, ffn.current?.epoch ?? 0, nowMs))
    ],
    numRequestsRunning: books.numRunning,
    numRequestsWaiting: books.waiting.size,
    targetAttention: targets?.attention ?? 0,
    targetFfn: targets?.ffn ?? 0,
    hasLauncher: targets !== undefined,
    store,
    version
  }
}

function viewCommon (registration: WorkerRegistration): WorkerStatusMessage {
  const { workerId, backend, backendReason, host, pid, colocated } = registration
  return { workerId, backend, backendReason, host, pid, colocated }
}

function viewAttention (worker: AttentionWorker, nowMs: number): WorkerStatusMessage {
  const { registration, blocks } = worker
  return {
    ...viewCommon(registration),
    role: 'WORKER_ROLE_ATTENTION',
    state: worker.state,
    stats: worker.stats ?? { weightBytes: registration.weightBytes },
    numKvBlocks: blocks.numBlocks,
    numFreeKvBlocks: blocks.numFreeBlocks,
    blockSize: blocks.blockSize,
    kvCacheBytes: registration.kvCacheBytes,
    kvDtype: registration.kvDtype,
    numRunning: worker.running.length,
    heartbeatAgeMs: Math.round(nowMs - worker.lastSeenMs)
  }
}

function viewFfn (worker: FfnWorker, currentEpoch: number, nowMs: number): WorkerStatusMessage {
  const { registration, assignment } = worker
  const isReady = currentEpoch > 0 && worker.readyEpoch >= currentEpoch
  return {
    ...viewCommon(registration),
    role: 'WORKER_ROLE_FFN',
    state: worker.isDraining ? 'draining' : isReady ? 'ready' : 'joining',
    stats: worker.stats ?? { weightBytes: registration.weightBytes },
    endpoints: registration.endpoints.map(endpoint => ({ ...endpoint })),
    heartbeatAgeMs: Math.round(nowMs - worker.lastSeenMs),
    ...(assignment ? { assignment: assignmentToMessage(assignment) } : {})
  }
}
