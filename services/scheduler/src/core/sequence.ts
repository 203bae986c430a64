// Owns one request's life in the scheduler: its tokens and how far they are scheduled, computed and
// confirmed. Placement and blocks are changed only by the modules that own them.
import { assert } from '@tandem/core'
import type { SamplingParams } from '@tandem/core'
import { extendBlockHashes } from '@tandem/kv-cache'
import type { BlockHash } from '@tandem/kv-cache'
import type { AttentionWorker } from './attention-worker.js'

export type SequenceStatus = 'waiting' | 'running' | 'finished'

/** Why a sequence stands still; it fails when that lasts requestTimeoutMs. */
export interface Stall {
  readonly code: 'no_worker_available' | 'step_failed'
  readonly sinceMs: number
  reason: string
}

/** From here on a sequence runs alone, so that it harms nobody and its guilt or innocence shows. */
const SUSPECT_LEVEL = 2

export interface SequenceInit {
  readonly requestId: string
  readonly gatewayId: number
  /** Order of arrival; older sequences are served first and preempted last. */
  readonly arrival: number
  readonly promptTokenIds: readonly number[]
  readonly outputTokenIds: readonly number[]
  readonly maxTokens: number
  readonly sampling: SamplingParams
}

export class Sequence {
  readonly requestId: string
  readonly gatewayId: number
  readonly arrival: number
  readonly numPromptTokens: number
  readonly maxTokens: number
  readonly sampling: SamplingParams
  /** Prompt, then every output token a worker reported. */
  readonly tokenIds: number[]
  status: SequenceStatus = 'waiting'
  stall: Stall | undefined
  /** Failures it took part in since a step with it last ran: 1 for a worker that died, 2 for a plan that was refused. */
  suspicion = 0

  // Of the current placement; reset by `leaveWorker`.
  worker: AttentionWorker | undefined
  /** Fresh for each placement, so that an id never means two states on one engine. */
  seqId = 0
  readonly blockTable: number[] = []
  /** Positions below this are scheduled in some plan. */
  numComputedTokens = 0
  /** Positions below this were confirmed by a step result; their full blocks may be shared. */
  numConfirmedTokens = 0
  numPublishedBlocks = 0
  /** Length of the part of `blockTable` the worker has been told. */
  numSentBlocks = 0

  // Of plans whose result is not back; they outlive a preemption.
  numInFlightLines = 0
  numInFlightSamples = 0
  /** Raised when results of plans in flight must be thrown away (their step failed or their worker died). */
  generation = 0

  /** Prompt tokens found in the KV cache at first placement. */
  numCachedTokens = 0
  hasPlacement = false
  hasEmitted = false
  /** Prompt logprobs up to this position were delivered; position 0 has none. */
  lastPromptLogprobPosition = 0
  readonly #hashes = new Map<number, BlockHash[]>()

  constructor (init: SequenceInit) {
    this.requestId = init.requestId
    this.gatewayId = init.gatewayId
    this.arrival = init.arrival
    this.numPromptTokens = init.promptTokenIds.length
    this.maxTokens = init.maxTokens
    this.sampling = init.sampling
    this.tokenIds = [...init.promptTokenIds, ...init.outputTokenIds]
  }

  get numOutputTokens (): number { return this.tokenIds.length - this.numPromptTokens }
  /** Known tokens plus those that plans in flight will sample. */
  get numTokensAhead (): number { return this.tokenIds.length + this.numInFlightSamples }
  /** Positions that could be scheduled now; 1 is a decode. */
  get numRemainingTokens (): number { return this.numTokensAhead - this.numComputedTokens }
  /** The last token that may exist is known or in flight: nothing more to schedule. */
  get isFullyScheduled (): boolean { return this.numTokensAhead - this.numPromptTokens >= this.maxTokens }

  get isSuspect (): boolean { return this.suspicion >= SUSPECT_LEVEL }

  /** Hashes of the full blocks of the known tokens, for workers whose blocks have this size. */
  blockHashes (root: BlockHash, blockSize: number, maxBlocks?: number): readonly BlockHash[] {
    let hashes = this.#hashes.get(blockSize)
    if (!hashes) this.#hashes.set(blockSize, hashes = [])
    extendBlockHashes(hashes, root, this.tokenIds, blockSize, maxBlocks)
    return hashes
  }

  /** Tokens of the prefix that may come from the cache: the last one is always computed, and prompt logprobs need their logits. */
  get maxCachedTokens (): number {
    if (this.sampling.promptLogprobs !== undefined && this.lastPromptLogprobPosition < this.numPromptTokens - 1) {
      return this.lastPromptLogprobPosition
    }
    return this.tokenIds.length - 1
  }

  enterWorker (worker: AttentionWorker, seqId: number, numCachedTokens: number): void {
    assert(this.status === 'waiting', `request ${this.requestId} is placed while ${this.status}`)
    this.status = 'running'
    this.worker = worker
    this.seqId = seqId
    this.numComputedTokens = numCachedTokens
    this.numConfirmedTokens = numCachedTokens
    this.numPublishedBlocks = numCachedTokens / worker.blocks.blockSize
    this.numSentBlocks = 0
    if (!this.hasPlacement) this.numCachedTokens = Math.min(numCachedTokens, this.numPromptTokens)
    this.hasPlacement = true
  }

  /** The blocks must be back in the pool already. */
  leaveWorker (status: 'waiting' | 'finished'): void {
    assert(this.blockTable.length === 0, `request ${this.requestId} leaves its worker with blocks`)
    this.status = status
    this.worker = undefined
    this.seqId = 0
    this.numComputedTokens = 0
    this.numConfirmedTokens = 0
    this.numPublishedBlocks = 0
    this.numSentBlocks = 0
  }
}
