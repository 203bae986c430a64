// Owns one HTTP request's sequences from submission to the end of the last one: fans events out to choices,
// aborts what is no longer wanted, measures. Exactly one of onDone and onError comes last, unless aborted.
import type { TandemError } from '@tandem/core'
import type { RequestEvent__Output } from '@tandem/protocol'
import type { Tokenizer } from '@tandem/tokenizer'
import type { GatewayMetrics } from '../metrics/metrics.js'
import { errorOfEvent } from '../scheduler/scheduler-errors.js'
import type { SchedulerLink, SequenceHandle } from '../scheduler/scheduler-link.js'
import { ChoiceDecoder } from './choice-decoder.js'
import type { ChoiceUpdate, GenerationPlan, PromptLogprob, Usage } from './types.js'

export interface GenerationSink {
  /** Only called when there is text, a finish reason, or the first token. */
  onUpdate (choiceIdx: number, update: ChoiceUpdate): void
  onDone (): void
  onError (error: TandemError): void
}

export interface GenerationContext {
  readonly link: SchedulerLink
  readonly tokenizer: Tokenizer
  readonly metrics: GatewayMetrics
  readonly eosTokenIds: ReadonlySet<number>
  /** Milliseconds that only grow. */
  readonly nowMs: () => number
}

interface Choice {
  readonly decoder: ChoiceDecoder
  handle: SequenceHandle | undefined
  finished: boolean
  firstTokenMs: number
  lastTokenMs: number
}

export class Generation {
  private readonly choices: Choice[]
  private readonly startMs: number
  private numUnfinished: number
  /** By prompt: choices share its blocks, so the best hit is what the prompt found. */
  private readonly numCachedTokens: number[]
  private over = false

  constructor (private readonly context: GenerationContext, private readonly plan: GenerationPlan, private readonly sink: GenerationSink) {
    this.startMs = context.nowMs()
    this.numUnfinished = plan.choices.length
    this.numCachedTokens = new Array<number>(plan.choices.length / plan.numChoicesPerPrompt).fill(0)
    this.choices = plan.choices.map(choice => ({
      decoder: new ChoiceDecoder(context.tokenizer, choice, plan.text, context.eosTokenIds),
      handle: undefined, finished: false, firstTokenMs: 0, lastTokenMs: 0
    }))
  }

  /** Throws `not_ready`; then no sequence is left behind. */
  start (): void {
    this.plan.choices.forEach((choice, choiceIdx) => {
      const requestId = `${this.plan.id}-${choiceIdx}`
      this.choices[choiceIdx]!.handle = this.context.link.submit({ requestId, ...choice }, {
        onEvent: event => { this.onEvent(choiceIdx, event) },
        onLost: error => { this.fail(error) }
      })
    })
    this.context.metrics.promptTokens.inc(this.plan.numPromptTokens)
  }

  get isOver (): boolean { return this.over }

  get usage (): Usage {
    let numOutputTokens = 0
    for (const { decoder } of this.choices) numOutputTokens += decoder.numOutputTokens
    const numCachedTokens = this.numCachedTokens.reduce((sum, count) => sum + count, 0)
    return { numPromptTokens: this.plan.numPromptTokens, numOutputTokens, numCachedTokens }
  }

  promptLogprobsOf (choiceIdx: number): readonly PromptLogprob[] {
    return this.choices[choiceIdx]!.decoder.promptLogprobs
  }

  /** Frees every sequence at once; the sink hears nothing more. */
  abort (): void {
    if (this.over) return
    this.end()
    for (const choice of this.choices) choice.handle?.abort()
  }

  private onEvent (choiceIdx: number, event: RequestEvent__Output): void {
    const choice = this.choices[choiceIdx]!
    if (this.over || choice.finished) return
    if (event.finishReason === 'FINISH_REASON_ERROR' || event.finishReason === 'FINISH_REASON_ABORT') {
      this.fail(errorOfEvent(event.error))
      return
    }
    const isFirst = choice.firstTokenMs === 0 && event.tokens.length > 0
    if (isFirst) this.countCachedTokens(Math.floor(choiceIdx / this.plan.numChoicesPerPrompt), event.numCachedTokens)
    if (event.tokens.length > 0) this.measureTokens(choice, event)
    const update = choice.decoder.accept(event)
    if (update.finishReason !== undefined) this.finish(choice, event)
    if (isFirst || update.text !== '' || update.finishReason !== undefined) this.sink.onUpdate(choiceIdx, update)
    if (this.numUnfinished === 0 && !this.over) {
      this.end()
      this.sink.onDone()
    }
  }

  private measureTokens (choice: Choice, event: RequestEvent__Output): void {
    const { metrics, nowMs } = this.context
    const now = nowMs()
    metrics.outputTokens.inc(event.tokens.length)
    if (choice.firstTokenMs === 0) {
      choice.firstTokenMs = now
      metrics.ttft.observe((now - this.startMs) / 1000)
    } else {
      metrics.itl.observe((now - choice.lastTokenMs) / 1000)
    }
    choice.lastTokenMs = now
  }

  private countCachedTokens (promptIdx: number, numCachedTokens: number): void {
    const known = this.numCachedTokens[promptIdx]!
    if (numCachedTokens <= known) return
    this.numCachedTokens[promptIdx] = numCachedTokens
    this.context.metrics.cachedTokens.inc(numCachedTokens - known)
  }

  private finish (choice: Choice, event: RequestEvent__Output): void {
    choice.finished = true
    this.numUnfinished--
    // A stop string is the gateway's own end: the scheduler does not know of it.
    if (event.finishReason === 'FINISH_REASON_UNSPECIFIED') choice.handle?.abort()
    const { metrics, nowMs } = this.context
    const numIntervals = choice.decoder.numOutputTokens - 1
    if (numIntervals > 0) metrics.tpot.observe((choice.lastTokenMs - choice.firstTokenMs) / 1000 / numIntervals)
    metrics.e2e.observe((nowMs() - this.startMs) / 1000)
  }

  private fail (error: TandemError): void {
    if (this.over) return
    this.abort()
    this.sink.onError(error)
  }

  private end (): void {
    this.over = true
  }
}
