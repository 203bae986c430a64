// Owns the request books: every live sequence, the waiting queue, events on their way to gateways. The three
// ways a sequence leaves a worker (finish, preempt, lose its step) are here so that blocks, removals and
// terminal events cannot get out of step. Decides nothing.
import { assert } from '@tandem/core'
import type { FinishReason, TandemError } from '@tandem/core'
import { rootHash } from '@tandem/kv-cache'
import type { BlockHash } from '@tandem/kv-cache'
import { finishReasonToMessage } from '@tandem/protocol'
import { errorToMessage } from '../errors.js'
import type { CoreOptions } from '../options.js'
import type { AttentionWorker } from './attention-worker.js'
import type { Sequence } from './sequence.js'
import type { CoreAction, RequestEvent } from './types.js'
import { WaitingQueue } from './waiting-queue.js'

/** Monotonic totals for metrics. */
export interface CoreCounters {
  numRequests: number
  numRejected: number
  readonly numFinished: Record<FinishReason, number>
  numPreemptions: number
  numReadmissions: number
  numSteps: number
  numFailedSteps: number
  numPromptTokens: number
  numCachedTokens: number
  numOutputTokens: number
}

export class Books {
  readonly waiting = new WaitingQueue()
  /** In order of registration. */
  readonly attention = new Map<string, AttentionWorker>()
  readonly gateways = new Map<number, Map<string, Sequence>>()
  readonly actions: CoreAction[] = []
  readonly counters: CoreCounters = {
    numRequests: 0,
    numRejected: 0,
    numFinished: { stop: 0, length: 0, abort: 0, error: 0 },
    numPreemptions: 0,
    numReadmissions: 0,
    numSteps: 0,
    numFailedSteps: 0,
    numPromptTokens: 0,
    numCachedTokens: 0,
    numOutputTokens: 0
  }

  /** Of the cluster's model; set by the first worker. */
  blockRoot: BlockHash = rootHash('')
  numRunning = 0
  /** False: no live sequence stands still. True: one may; `failStalled` looks again. */
  hasStalls = false
  readonly #outbox = new Map<number, RequestEvent[]>()
  #arrivals = 0
  #seqIds = 0

  constructor (readonly options: CoreOptions) {}

  nextArrival (): number { return ++this.#arrivals }

  /** Unsigned 32 bit on the wire; by the time it wraps, the ids of old are long gone. */
  nextSeqId (): number {
    this.#seqIds = this.#seqIds === 0xffff_ffff ? 1 : this.#seqIds + 1
    return this.#seqIds
  }

  note (level: 'info' | 'warn', message: string, fields: Record<string, unknown>): void {
    this.actions.push({ type: 'note', level, message, fields })
  }

  /** Queues an event; all events of one flush go to a gateway as one message. */
  emit (gatewayId: number, event: RequestEvent): void {
    const events = this.#outbox.get(gatewayId)
    if (events) events.push(event)
    else if (this.gateways.has(gatewayId)) this.#outbox.set(gatewayId, [event])
  }

  /** An event of a live sequence; the first one tells what the prefix cache saved. */
  openEvent (sequence: Sequence): RequestEvent {
    const event: RequestEvent = { requestId: sequence.requestId }
    if (!sequence.hasEmitted) {
      sequence.hasEmitted = true
      event.numCachedTokens = sequence.numCachedTokens
    }
    return event
  }

  takeEvents (): void {
    for (const [gatewayId, events] of this.#outbox) this.actions.push({ type: 'events', gatewayId, events })
    this.#outbox.clear()
  }

  dropEvents (gatewayId: number): void { this.#outbox.delete(gatewayId) }

  add (sequence: Sequence): void {
    this.gateways.get(sequence.gatewayId)!.set(sequence.requestId, sequence)
    this.waiting.add(sequence)
  }

  /**
   * The one terminal event of a request: `event` may already carry its last token. Blocks are free at once; the
   * worker drops the sequence with its next plan, so only later plans can reuse them.
   */
  finish (sequence: Sequence, reason: FinishReason, error?: TandemError, event = this.openEvent(sequence)): void {
    assert(sequence.status !== 'finished', `request ${sequence.requestId} ends twice`)
    if (sequence.status === 'waiting') this.waiting.remove(sequence)
    else this.#vacate(sequence)
    sequence.leaveWorker('finished')
    this.gateways.get(sequence.gatewayId)?.delete(sequence.requestId)
    this.counters.numFinished[reason]++
    event.finishReason = finishReasonToMessage(reason)
    if (error) event.error = errorToMessage(error)
    this.emit(sequence.gatewayId, event)
  }

  /** Its blocks are needed: back to the queue. Results in flight still count, they are valid tokens. */
  preempt (sequence: Sequence): void {
    this.counters.numPreemptions++
    this.#requeue(sequence)
  }

  /** Its worker died or its step did not run: back to the queue, results in flight are thrown away. */
  readmit (sequence: Sequence): void {
    this.counters.numReadmissions++
    sequence.generation++
    this.#requeue(sequence)
  }

  #requeue (sequence: Sequence): void {
    assert(sequence.status === 'running', `request ${sequence.requestId} is put back while ${sequence.status}`)
    this.#vacate(sequence)
    sequence.leaveWorker('waiting')
    this.waiting.add(sequence)
  }

  #vacate (sequence: Sequence): void {
    const worker = sequence.worker!
    worker.blocks.free(sequence.blockTable)
    worker.removeRunning(sequence)
    if (sequence.numSentBlocks > 0) worker.pendingRemovals.push(sequence.seqId)
    this.numRunning--
  }
}
