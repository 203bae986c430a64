// Owns answering one HTTP request from its generation, streaming or whole: what is written when, what happens
// when the client leaves, which outcome is counted.
import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { TandemError, TokenLogprobs } from '@tandem/core'
import type { Outcome } from '../metrics/metrics.js'
import type { ResponseFormat } from '../openai/response-format.js'
import { errorBody, outcomeOf } from '../plugins/errors.js'
import type { GenerationEndpoint } from '../routes/endpoints.js'
import { EventStream } from './event-stream.js'
import { Generation } from './generation.js'
import type { GenerationContext, GenerationSink } from './generation.js'
import type { ChoiceUpdate, GenerationPlan } from './types.js'

export interface RespondOptions {
  readonly context: GenerationContext
  readonly plan: GenerationPlan
  readonly format: ResponseFormat
  readonly endpoint: GenerationEndpoint
  readonly stream: boolean
  readonly maxBufferedBytes: number
}

/**
 * Resolves with the body to send, or with undefined when it streamed. Rejects with the error that came before
 * anything was written, so that it gets its status code.
 */
export function respond (request: FastifyRequest, reply: FastifyReply, options: RespondOptions): Promise<object | undefined> {
  return new Promise((resolve, reject) => {
    const { metrics } = options.context
    metrics.inFlight.inc()
    let settled = false
    const end = (outcome: Outcome | undefined): void => {
      if (settled) return
      settled = true
      metrics.inFlight.dec()
      const { numPromptTokens, numOutputTokens } = generation.usage
      request.log.info({ endpoint: options.endpoint, outcome: outcome ?? 'refused', numPromptTokens, numOutputTokens }, 'request ended')
      if (outcome !== undefined) metrics.requests.inc({ endpoint: options.endpoint, outcome })
    }
    const settle: Settle = {
      done (body) { end('ok'); resolve(body) },
      // The error handler counts it, with the errors that came before.
      failed (error) { end(undefined); reject(error) },
      broken (outcome) { end(outcome); resolve(undefined) }
    }
    const generation: Generation = options.stream
      ? streamed(reply, options, settle)
      : collected(options, settle)
    reply.raw.on('close', () => {
      if (generation.isOver) return
      generation.abort()
      settle.broken('client_gone')
    })
    if (reply.raw.destroyed) {
      generation.abort()
      settle.broken('client_gone')
      return
    }
    try {
      generation.start()
    } catch (error) {
      generation.abort()
      settle.failed(error as TandemError)
    }
  })
}

interface Settle {
  done (body: object | undefined): void
  /** Before anything was written. */
  failed (error: TandemError): void
  /** After something was written, or when nobody listens any more. */
  broken (outcome: Outcome): void
}

function streamed (reply: FastifyReply, options: RespondOptions, settle: Settle): Generation {
  const { format, plan } = options
  const begun = new Array<boolean>(plan.choices.length).fill(false)
  const events = new EventStream(reply.raw, {
    maxBufferedBytes: options.maxBufferedBytes,
    onTooSlow () {
      generation.abort()
      reply.log.warn({ maxBufferedBytes: options.maxBufferedBytes }, 'client reads too slowly, request aborted')
      settle.broken('client_slow')
    }
  })
  const sink: GenerationSink = {
    onUpdate (choiceIdx, update) {
      if (!events.isOpen) {
        reply.hijack()
        events.open(reply.getHeaders() as OutgoingHttpHeaders)
      }
      let text = ''
      if (!begun[choiceIdx]) {
        begun[choiceIdx] = true
        text = format.begin(choiceIdx, generation.promptLogprobsOf(choiceIdx))
      }
      events.write(text + format.update(choiceIdx, update))
    },
    onDone () {
      events.write(format.usage(generation.usage))
      events.end()
      settle.done(undefined)
    },
    onError (error) {
      if (!events.isOpen) { settle.failed(error); return }
      events.endWithError(errorBody(error))
      settle.broken(outcomeOf(error))
    }
  }
  const generation = new Generation(options.context, plan, sink)
  return generation
}

interface Collecting {
  text: string
  logprobs: TokenLogprobs[]
  last: ChoiceUpdate | undefined
}

function collected (options: RespondOptions, settle: Settle): Generation {
  const choices = options.plan.choices.map((): Collecting => ({ text: '', logprobs: [], last: undefined }))
  const generation: Generation = new Generation(options.context, options.plan, {
    onUpdate (choiceIdx, update) {
      const choice = choices[choiceIdx]!
      choice.text += update.text
      for (const token of update.logprobs) choice.logprobs.push(token)
      choice.last = update
    },
    onDone () {
      settle.done(options.format.body(choices.map(({ text, logprobs, last }, choiceIdx) => ({
        text,
        logprobs,
        promptLogprobs: generation.promptLogprobsOf(choiceIdx),
        finishReason: last?.finishReason ?? 'stop',
        stopReason: last?.stopReason ?? null
      })), generation.usage))
    },
    onError (error) { settle.failed(error) }
  })
  return generation
}
