// Owns the FFN engine over a layer-level backend: pulls frames, merges those that wait for the same layer and epoch
// (of any worker and ubatch, without waiting for more), answers each sender its rows.
import { makeError, subtreeRoots } from '@tandem/core'
import type { Clock, FfnAssignment, FfnEndpoint } from '@tandem/core'
import type { A2fDelivery, FfnListener, FrameStatus } from '@tandem/connector'
import type { ModelConfig } from '@tandem/model'
import type { FfnBackend } from '../backend.js'
import { engineErrors } from '../errors.js'
import type { BackendKind, EngineInfo, FfnEngine, FfnEngineStats } from '../types.js'
import { Assignments } from './assignments.js'
import { microseconds } from './microseconds.js'
import { mergeFrames, refusalOf, splitAnswers } from './ffn-batch.js'

/** Rows of one layer execution: beyond it merging gains nothing and delays the first sender. */
const MAX_BATCH_TOKENS = 512

export interface PipelinedFfnOptions {
  readonly config: ModelConfig
  readonly backend: FfnBackend
  readonly backendKind: BackendKind
  readonly reason: string
  readonly listeners: readonly FfnListener[]
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
  /** Told once when an invariant broke and the engine has stopped. */
  readonly onFatal: (error: unknown) => void
  readonly clock: Clock
}

export class PipelinedFfnEngine implements FfnEngine {
  readonly #assignments = new Assignments()
  readonly #serving: Promise<unknown>
  readonly #startMs: number
  readonly #counters = { numFrames: 0, numBatches: 0, numTokens: 0 }
  #computeMs = 0
  /** Loads and drops leaves one after the other. */
  #lastChange: Promise<unknown> = Promise.resolve()
  #isDisposed = false

  constructor (private readonly options: PipelinedFfnOptions) {
    this.#startMs = options.clock.nowMs()
    this.#serving = Promise.all(options.listeners.map(listener => this.#serve(listener)))
  }

  get info (): EngineInfo {
    const { backendKind, reason, backend } = this.options
    return { backend: backendKind, reason, weightBytes: backend.weightBytes }
  }

  get endpoints (): readonly FfnEndpoint[] { return this.options.listeners.map(listener => listener.endpoint) }

  async assign (assignment: FfnAssignment): Promise<void> {
    await this.#change(async () => {
      if (this.#isDisposed) throw makeError(engineErrors, 'engine_disposed')
      await this.options.backend.load(assignment.shards, assignment.split, this.options.onProgress)
      this.#assignments.add(assignment)
    })
  }

  retire (epoch: number): void {
    this.#assignments.retire(epoch)
    this.#change(async () => {
      if (!this.#isDisposed) this.options.backend.keepOnly(this.#assignments.needed())
    }).catch(error => { this.#stop(error) })
  }

  stats (): FfnEngineStats {
    const refused: Record<string, number> = {}
    let queueLength = 0
    for (const stats of this.options.listeners.map(listener => listener.stats())) {
      queueLength += stats.queueLength
      for (const [status, count] of Object.entries(stats.refused)) refused[status] = (refused[status] ?? 0) + count
    }
    const uptimeMs = this.options.clock.nowMs() - this.#startMs
    const computeUs = microseconds(this.#computeMs)
    return { ...this.#counters, refused, queueLength, computeUs, idleUs: Math.max(microseconds(uptimeMs) - computeUs, 0) }
  }

  async dispose (): Promise<void> {
    if (this.#isDisposed) return
    this.#isDisposed = true
    await Promise.all(this.options.listeners.map(listener => listener.close()))
    await this.#serving
    await this.#lastChange
    this.options.backend.dispose()
  }

  #change (work: () => Promise<void>): Promise<void> {
    const change = this.#lastChange.then(work)
    this.#lastChange = change.catch(() => {})
    return change
  }

  async #serve (listener: FfnListener): Promise<void> {
    for (;;) {
      const first = await listener.recvAttnOutput()
      if (first === null) return
      // One turn of the event loop: frames that have arrived meanwhile are read and can be merged.
      await new Promise<void>(resolve => { setImmediate(resolve) })
      try {
        this.#runBatch(listener, first)
      } catch (error) {
        this.#stop(error)
        return
      }
    }
  }

  #runBatch (listener: FfnListener, first: A2fDelivery): void {
    const { layerIdx, epoch, numTokens } = first.frame
    const waiting = listener.takeWaiting(layerIdx, epoch, MAX_BATCH_TOKENS - numTokens)
    const assignment = this.#assignments.get(epoch)
    if (assignment === undefined) {
      const served = this.#assignments.epochs.join(', ') || 'none'
      for (const delivery of [first, ...waiting]) this.#refuse(listener, delivery, 'stale_epoch', `epoch ${epoch}, served: ${served}`)
      return
    }
    const accepted = [first, ...waiting].filter(delivery => {
      const refusal = refusalOf(delivery.frame, this.options.config)
      if (refusal !== null) this.#refuse(listener, delivery, refusal.status, refusal.message)
      return refusal === null
    })
    if (accepted.length > 0) this.#compute(listener, accepted, assignment)
  }

  #compute (listener: FfnListener, deliveries: readonly A2fDelivery[], { shards, split }: FfnAssignment): void {
    const { backend, clock } = this.options
    const startMs = clock.nowMs()
    const batch = mergeFrames(deliveries)
    const { layerIdx } = (deliveries[0] as A2fDelivery).frame
    let partials: Float32Array[]
    try {
      partials = backend.run(layerIdx, shards, split, batch.hidden, batch.topkIds, batch.topkWeights)
    } catch (error) {
      for (const delivery of deliveries) this.#refuse(listener, delivery, 'internal', 'the FFN worker stops after an internal error')
      throw error
    }
    const computeMs = clock.nowMs() - startMs
    this.#computeMs += computeMs
    this.#counters.numBatches++
    this.#counters.numFrames += deliveries.length
    this.#counters.numTokens += deliveries.reduce((sum, { frame }) => sum + frame.numTokens, 0)
    const answers = splitAnswers(batch, subtreeRoots(shards), partials, microseconds(computeMs))
    // Not awaited: a sender that reads slowly holds up nobody else; the listener bounds what it may have unanswered.
    answers.forEach((answer, i) => { this.#settle(listener.sendFfnOutput(deliveries[i] as A2fDelivery, answer)) })
  }

  #refuse (listener: FfnListener, delivery: A2fDelivery, status: FrameStatus, message: string): void {
    this.#settle(listener.refuse(delivery, status, message))
  }

  #settle (sent: Promise<void>): void {
    sent.catch(error => { this.#stop(error) })
  }

  /** Something happened that the code holds impossible: no further frame is answered. */
  #stop (error: unknown): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    for (const listener of this.options.listeners) listener.close().catch(() => {})
    this.options.onFatal(error)
  }
}
