// Owns what the scheduler knows of one attention worker: its block pool, its sequences in arrival order and
// its plans in flight. Holds state; the decisions are in placement.ts, batching.ts and step-results.ts.
import { BlockManager } from '@tandem/kv-cache'
import type { WorkerStats__Output } from '@tandem/protocol'
import type { Sequence } from './sequence.js'
import type { WorkerRegistration } from './types.js'

/** The plan that runs and the one behind it. */
export const MAX_PLANS_IN_FLIGHT = 2

/** What the books must remember of one scheduled line until its result is back. */
export interface PlanLine {
  readonly sequence: Sequence
  readonly seqId: number
  readonly generation: number
  /** One past the last position the line computes. */
  readonly end: number
  readonly samples: boolean
  /** The result carried a token for it. */
  answered: boolean
}

export interface PlanInFlight {
  readonly stepId: number
  readonly removedSeqIds: readonly number[]
  readonly lines: ReadonlyMap<number, PlanLine>
}

export class AttentionWorker {
  readonly workerId: string
  readonly blocks: BlockManager
  /** Prompt and output tokens of one sequence that fit here. */
  readonly maxModelLen: number
  /** Sequences placed here, oldest arrival first. */
  readonly running: Sequence[] = []
  readonly inFlight: PlanInFlight[] = []
  /** seq_ids the worker still holds and must drop with the next plan. */
  pendingRemovals: number[] = []
  /** Epoch of the topology the worker confirmed; 0 before the first. */
  topologyEpoch = 0
  /** Epoch of the topology that was sent last. */
  sentEpoch = 0
  isDraining = false
  /** When draining: past this its sequences move to other workers. */
  drainDeadlineMs = Infinity
  drainedSent = false
  /** No plans before this: the last step failed. -Infinity when it did not. */
  retryAtMs = -Infinity
  lastSeenMs: number
  stats: WorkerStats__Output | undefined

  constructor (readonly registration: WorkerRegistration, readonly workerNumber: number, nowMs: number) {
    this.workerId = registration.workerId
    this.blocks = new BlockManager({ numBlocks: registration.numKvBlocks, blockSize: registration.blockSize })
    this.maxModelLen = Math.min(registration.maxModelLen, registration.numKvBlocks * registration.blockSize)
    this.lastSeenMs = nowMs
  }

  get isColocated (): boolean { return this.registration.colocated }
  /** It has its FFN side: steps may be sent. */
  get hasTopology (): boolean { return this.isColocated || this.topologyEpoch > 0 }
  get state (): 'joining' | 'ready' | 'draining' {
    if (this.isDraining) return 'draining'
    return this.hasTopology ? 'ready' : 'joining'
  }

  addRunning (sequence: Sequence): void {
    let index = this.running.length
    while (index > 0 && this.running[index - 1]!.arrival > sequence.arrival) index--
    this.running.splice(index, 0, sequence)
  }

  removeRunning (sequence: Sequence): void {
    const index = this.running.lastIndexOf(sequence)
    if (index >= 0) this.running.splice(index, 1)
  }
}
