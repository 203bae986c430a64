// Owns one crossing A -> F -> A of a ubatch at a layer: frames to every member of an instance, their partial sums
// checked and added along the tree, and another try elsewhere when a member is lost or the epoch has passed. A layer is
// idempotent on the FFN side, so sending it again changes nothing.
import { isTandemError, makeError } from '@tandem/core'
import type { Clock, TandemError } from '@tandem/core'
import { connectorErrors, decodeActivations } from '@tandem/connector'
import type { A2fFrame, F2aFrame } from '@tandem/connector'
import { engineErrors } from '../errors.js'
import { combinePartials } from '../reference/combine-partials.js'
import type { FfnRouter, Target, TargetMember } from './ffn-router.js'

/** What a frame carries, whatever epoch it is sent under. */
export type FfnRequest = Omit<A2fFrame, 'kind' | 'epoch' | 'workerNumber' | 'frameId'> & {
  readonly instanceIdx: number | undefined
}

export interface ExchangeStats {
  framesSent: number
  framesResent: number
  bytesSent: number
  bytesReceived: number
}

export interface FfnExchangeOptions {
  readonly router: FfnRouter
  readonly workerNumber: number
  /** Deadline of one crossing, failover included. */
  readonly ffnTimeoutMs: number
  readonly clock: Clock
}

/** Refusals that another route, or the same one a moment later, may not repeat. */
const retryableCodes = new Set(['peer_down', 'epoch_stale', 'overloaded'])
const FIRST_PAUSE_MS = 1
const LAST_PAUSE_MS = 32

export class FfnExchange {
  readonly stats: ExchangeStats = { framesSent: 0, framesResent: 0, bytesSent: 0, bytesReceived: 0 }
  #lastFrameId = 0

  constructor (private readonly options: FfnExchangeOptions) {}

  /**
   * The FFN's output, [numTokens, hiddenSize]. Throws `ffn_unavailable` at the deadline, the typed error of a refusal that
   * sending again cannot cure, and whatever `aborted` rejects with.
   */
  async run (request: FfnRequest, aborted: Promise<never>): Promise<Float32Array> {
    let target: Target | null = null
    const deadline = this.#deadline(request.layerIdx, () => whyUnanswered(target, this.options.router))
    try {
      let pauseMs = FIRST_PAUSE_MS
      for (let numAttempts = 0; ; numAttempts++) {
        target = null
        target = await this.#target(request, deadline.expired, aborted)
        if (numAttempts > 0) this.stats.framesResent += target.members.length
        try {
          return await Promise.race([this.#crossing(target, request), deadline.expired, aborted])
        } catch (error) {
          if (!isTandemError(error) || !retryableCodes.has(error.code)) throw error
          if (error.code === 'epoch_stale') this.options.router.markStale(target.route, error.message)
          // Never again in the same turn of the event loop: a broken channel rejects before its link hears of it, so the
          // same route would be picked, and refused, for ever.
          await Promise.race([this.#pause(pauseMs), deadline.expired, aborted])
          pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)
        }
      }
    } finally {
      deadline.cancel()
    }
  }

  async #target (request: FfnRequest, expired: Promise<never>, aborted: Promise<never>): Promise<Target> {
    for (;;) {
      const target = this.options.router.pick(request.instanceIdx, request.ubatchIdx)
      if (target !== null) return target
      await Promise.race([this.options.router.changed(), expired, aborted])
    }
  }

  async #crossing ({ route, members }: Target, request: FfnRequest): Promise<Float32Array> {
    const { instanceIdx: _, ...payload } = request
    const frame: A2fFrame = {
      ...payload, kind: 'a2f', epoch: route.epoch, workerNumber: this.options.workerNumber, frameId: ++this.#lastFrameId
    }
    const answers = await Promise.all(members.map(member => this.#ask(member, frame)))
    const nodes: number[] = []
    const partials: Float32Array[] = []
    answers.forEach((answer, i) => {
      checkAnswer(members[i] as TargetMember, frame, answer)
      nodes.push(...answer.nodes)
      partials.push(...partialsOf(answer))
    })
    return combinePartials(nodes, partials)
  }

  async #ask (member: TargetMember, frame: A2fFrame): Promise<F2aFrame> {
    const { stats } = this
    await member.channel.sendAttnOutput(frame)
    stats.framesSent++
    stats.bytesSent += frame.hidden.byteLength + frame.scales.byteLength + frame.topkIds.byteLength + frame.topkWeights.byteLength
    const answer = await member.channel.recvFfnOutput(frame.frameId)
    stats.bytesReceived += answer.partials.byteLength
    return answer
  }

  #pause (ms: number): Promise<void> {
    return new Promise(resolve => { this.options.clock.after(ms, resolve) })
  }

  #deadline (layerIdx: number, reason: () => string): { readonly expired: Promise<never>, cancel (): void } {
    const { clock, ffnTimeoutMs } = this.options
    let cancel = (): void => {}
    const expired = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(ffnTimeoutMs, () => {
        reject(makeError(engineErrors, 'ffn_unavailable', { layerIdx, timeoutMs: ffnTimeoutMs, reason: reason() }))
      })
    })
    expired.catch(() => {}) // It may pass between two awaits.
    return { expired, cancel }
  }
}

function whyUnanswered (target: Target | null, router: FfnRouter): string {
  if (target === null) return router.lastReason
  return `epoch ${target.route.epoch} is connected, but ${target.members.map(({ link }) => link.workerId).join(', ')} did not answer in full`
}

/**
 * Throws `epoch_stale` when the answer covers other leaves than the topology says (the worker was reassigned under the
 * same epoch number), `ffn_answer_invalid` when it answers something else.
 */
function checkAnswer (member: TargetMember, frame: A2fFrame, answer: F2aFrame): void {
  const { workerId } = member.link
  const fits = answer.numTokens === frame.numTokens && answer.hiddenSize === frame.hiddenSize && answer.layerIdx === frame.layerIdx
  if (!fits) throw makeError(engineErrors, 'ffn_answer_invalid', { workerId, layerIdx: frame.layerIdx, reason: 'other shape or layer' })
  const { nodes } = member
  if (nodes.length === answer.nodes.length && nodes.every((node, i) => node === answer.nodes[i])) return
  throw staleAnswer(workerId)
}

function staleAnswer (workerId: string): TandemError {
  return makeError(connectorErrors, 'epoch_stale', { reason: `${workerId} holds other leaves` })
}

function partialsOf ({ partials, nodes, numTokens, hiddenSize, dtype }: F2aFrame): Float32Array[] {
  const values = decodeActivations(partials, noScales, hiddenSize, dtype)
  const size = numTokens * hiddenSize
  return Array.from(nodes, (_, i) => values.subarray(i * size, (i + 1) * size))
}

const noScales = new Float32Array(0)
