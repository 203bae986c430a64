// Owns the attention engine over a layer-level backend: plans in, sampled tokens out. Its ubatches run as
// concurrent tasks on one thread: while one waits for FFN output another computes.
import { makeError } from '@tandem/core'
import type { ActivationDtype, Clock, FfnTopology } from '@tandem/core'
import { encodeActivations } from '@tandem/connector'
import type { Connector, HelloFrame } from '@tandem/connector'
import type { AttentionBackend } from '../backend.js'
import { engineErrors } from '../errors.js'
import { Sampler } from '../sampler/sampler.js'
import type {
  AttentionEngine, AttentionEngineStats, EngineInfo, KvCacheInfo, SampledToken, StepPlan, StepResult
} from '../types.js'
import { microseconds } from './microseconds.js'
import { ComputeTurn } from './compute-turn.js'
import { FfnExchange } from './ffn-exchange.js'
import type { FfnRequest } from './ffn-exchange.js'
import { FfnRouter } from './ffn-router.js'
import { sampleUbatch } from './sampling.js'
import type { UbatchOutput } from './sampling.js'
import { appendSampledToken, SequenceTable } from './sequence-table.js'
import { layOutUbatches } from './ubatch-rows.js'
import type { UbatchWork } from './ubatch-rows.js'

/** The running step and the one behind it. */
const MAX_STEPS_IN_FLIGHT = 2
/** Unanswered frames per FFN worker: every ubatch has one, and those of a failed step may still be on their way. */
const MAX_FRAMES_IN_FLIGHT = 64
const CONNECT_TIMEOUT_MS = 5_000

export interface PipelinedAttentionOptions {
  readonly backend: AttentionBackend
  readonly info: EngineInfo
  readonly kvCache: KvCacheInfo
  readonly numLayers: number
  readonly hiddenSize: number
  readonly vocabSize: number
  readonly maxModelLen: number
  readonly activationDtype: ActivationDtype
  readonly ffnTimeoutMs: number
  readonly hello: HelloFrame
  /** Best first. */
  readonly connectors: readonly Connector[]
  readonly onPeerDown: (workerId: string, reason: string) => void
  readonly clock: Clock
}

export class PipelinedAttentionEngine implements AttentionEngine {
  readonly #table: SequenceTable
  readonly #router: FfnRouter
  readonly #exchange: FfnExchange
  readonly #turn: ComputeTurn
  readonly #sampler: Sampler
  /** Settles when the last step given so far has. */
  #lastStep: Promise<unknown> = Promise.resolve()
  #stepsInFlight = 0
  #numSteps = 0
  #numFailures = 0
  #isDisposed = false

  constructor (private readonly options: PipelinedAttentionOptions) {
    const { kvCache, maxModelLen, vocabSize, connectors, hello, clock, ffnTimeoutMs } = options
    this.#table = new SequenceTable({ blockSize: kvCache.blockSize, numBlocks: kvCache.numBlocks, maxModelLen, vocabSize })
    const connectOptions = { hello, maxInFlight: MAX_FRAMES_IN_FLIGHT, connectTimeoutMs: CONNECT_TIMEOUT_MS }
    this.#router = new FfnRouter({ connectors, connectOptions, clock }, options.onPeerDown)
    this.#exchange = new FfnExchange({ router: this.#router, workerNumber: hello.workerNumber, ffnTimeoutMs, clock })
    this.#turn = new ComputeTurn(clock)
    this.#sampler = new Sampler(vocabSize)
  }

  get info (): EngineInfo { return this.options.info }
  get kvCache (): KvCacheInfo { return this.options.kvCache }

  async setTopology (topology: FfnTopology): Promise<void> {
    this.#checkUsable()
    await this.#router.setTopology(topology)
  }

  async step (plan: StepPlan): Promise<StepResult> {
    this.#checkUsable()
    if (this.#stepsInFlight >= MAX_STEPS_IN_FLIGHT) throw makeError(engineErrors, 'step_queue_full')
    const numFailures = this.#numFailures
    const result = this.#stepsInFlight++ === 0
      ? this.#runStep(plan, numFailures)
      : this.#lastStep.then(() => this.#runStep(plan, numFailures))
    this.#lastStep = result.catch(() => {})
    try {
      return await result
    } finally {
      this.#stepsInFlight--
    }
  }

  stats (): AttentionEngineStats {
    return { numSequences: this.#table.size, numSteps: this.#numSteps, ...this.#exchange.stats }
  }

  async dispose (): Promise<void> {
    if (this.#isDisposed) return
    this.#isDisposed = true
    await this.#lastStep
    this.#router.close()
    this.options.backend.dispose()
  }

  #checkUsable (): void {
    if (this.#isDisposed) throw makeError(engineErrors, 'engine_disposed')
  }

  /** `numFailures` is their number when the plan was given: a plan made before a failure was known is refused. */
  async #runStep (plan: StepPlan, numFailures: number): Promise<StepResult> {
    this.#checkUsable()
    if (numFailures !== this.#numFailures) throw makeError(engineErrors, 'step_aborted', { stepId: plan.stepId })
    const { clock } = this.options
    const startMs = clock.nowMs()
    const busyBeforeMs = this.#turn.busyMs
    try {
      const applied = this.#table.apply(plan)
      const { outputs, sampleMs } = await this.#runUbatches(layOutUbatches(plan, applied.rows)).catch((error: unknown) => {
        applied.rollBack()
        throw error
      })
      applied.commit()
      this.#numSteps++
      const stepMs = clock.nowMs() - startMs
      const busyMs = this.#turn.busyMs - busyBeforeMs
      return {
        stepId: plan.stepId,
        sampled: outputs.flatMap(output => output.sampled).map(row => this.#record(row)),
        promptLogprobs: outputs.flatMap(output => output.promptLogprobs),
        timings: {
          stepUs: microseconds(stepMs),
          attentionUs: microseconds(busyMs - sampleMs),
          ffnWaitUs: microseconds(Math.max(stepMs - busyMs, 0)),
          sampleUs: microseconds(sampleMs)
        }
      }
    } catch (error) {
      this.#numFailures++
      throw error
    }
  }

  /** Runs all ubatches; when one fails the others stop at their next wait, and the first failure is thrown. */
  async #runUbatches (ubatches: readonly UbatchWork[]): Promise<{ outputs: UbatchOutput[], sampleMs: number }> {
    let abort: (error: unknown) => void = () => {}
    const aborted = new Promise<never>((_resolve, reject) => { abort = reject })
    aborted.catch(() => {}) // Nobody waits for it when nothing fails.
    let sampleMs = 0
    const outcomes = await Promise.allSettled(ubatches.map(async work => {
      try {
        const residual = await this.#runLayers(work, aborted)
        return await this.#turn.run(() => {
          const startMs = this.options.clock.nowMs()
          const output = sampleUbatch(work, residual, this.options.backend, this.#sampler)
          sampleMs += this.options.clock.nowMs() - startMs
          return output
        })
      } catch (error) {
        abort(error)
        throw error
      }
    }))
    if (outcomes.some(outcome => outcome.status === 'rejected')) await aborted
    return { outputs: outcomes.flatMap(outcome => outcome.status === 'fulfilled' ? [outcome.value] : []), sampleMs }
  }

  /** Returns the residual stream after the last layer, [numTokens, hiddenSize]. */
  async #runLayers (work: UbatchWork, aborted: Promise<never>): Promise<Float32Array> {
    const residual = await this.#turn.run(() => this.options.backend.embed(work.ubatch))
    let ffnOutput: Float32Array | null = null
    for (let layerIdx = 0; layerIdx < this.options.numLayers; layerIdx++) {
      const previous: Float32Array | null = ffnOutput
      const request = await this.#turn.run(() => {
        if (previous !== null) addInPlace(residual, previous)
        return this.#attend(layerIdx, work, residual)
      })
      ffnOutput = await this.#exchange.run(request, aborted)
    }
    if (ffnOutput !== null) addInPlace(residual, ffnOutput)
    return residual
  }

  #attend (layerIdx: number, { ubatch, ubatchIdx, instanceIdx }: UbatchWork, residual: Float32Array): FfnRequest {
    const { backend, hiddenSize, activationDtype } = this.options
    const numTokens = ubatch.tokenIds.length
    const { hidden, topkIds, topkWeights } = backend.attend(layerIdx, ubatch, residual)
    const topK = topkIds.length / numTokens
    const encoded = encodeActivations(hidden, hiddenSize, activationDtype)
    return { ...encoded, layerIdx, ubatchIdx, instanceIdx, numTokens, hiddenSize, dtype: activationDtype, topK, topkIds, topkWeights }
  }

  /** The step succeeded: the sequence takes the token. */
  #record ({ scheduled, sample }: UbatchOutput['sampled'][number]): SampledToken {
    const { sequence } = scheduled
    const position = sequence.numTokens
    const finishReason = appendSampledToken(sequence, sample.tokenId, this.options.maxModelLen)
    return { seqId: sequence.seqId, position, ...sample, ...(finishReason === undefined ? {} : { finishReason }) }
  }
}

function addInPlace (residual: Float32Array, ffnOutput: Float32Array): void {
  for (let i = 0; i < residual.length; i++) residual[i] = (residual[i] as number) + (ffnOutput[i] as number)
}
