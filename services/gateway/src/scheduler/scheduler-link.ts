// Owns the one Serve stream to the scheduler: which sequences are in flight on it, what each has got so far,
// and bringing them back after the stream was lost. Knows nothing of HTTP or text.
import type { ClientDuplexStream } from '@grpc/grpc-js'
import type { SamplingParams, TandemError } from '@tandem/core'
import { samplingToMessage } from '@tandem/protocol'
import type {
  GatewayMessageMessage, RequestEvent__Output, SchedulerClient, SchedulerMessage__Output, ServingState__Output
} from '@tandem/protocol'
import type { Logger } from 'pino'
import { gatewayError } from '../errors.js'

export interface SequenceRequest {
  readonly requestId: string
  readonly promptTokenIds: readonly number[]
  readonly maxTokens: number
  readonly sampling: SamplingParams
}

/** Gets the events of one sequence in order; after a terminal event or `onLost` nothing more. */
export interface SequenceSink {
  onEvent (event: RequestEvent__Output): void
  onLost (error: TandemError): void
}

export interface SequenceHandle {
  /** Frees the sequence; its sink hears nothing more. Does nothing after the end. */
  abort (): void
}

export interface LinkState {
  readonly connected: boolean
  readonly ready: boolean
  /** Why not ready. */
  readonly reason: string
  /** Prompt and output tokens that fit; 0 before the first state came. */
  readonly maxModelLen: number
}

export interface SchedulerLinkOptions {
  /** Live sequences are given up when the scheduler is away longer. */
  readonly reattachTimeoutMs: number
  /** A scheduler that serves another checkpoint is refused. Empty accepts any. */
  readonly modelFingerprint: string
  readonly logger: Logger
  readonly retryMinMs?: number
  readonly retryMaxMs?: number
}

interface LiveSequence {
  readonly request: SequenceRequest
  readonly sink: SequenceSink
  readonly outputTokenIds: number[]
}

type ServeStream = ClientDuplexStream<GatewayMessageMessage, SchedulerMessage__Output>

export class SchedulerLink {
  private stream: ServeStream | undefined
  private current: LinkState = { connected: false, ready: false, reason: 'connecting to the scheduler', maxModelLen: 0 }
  private readonly live = new Map<string, LiveSequence>()
  /** Sequences of a lost stream wait to be submitted again. */
  private detached = false
  private closed = false
  private numFailures = 0
  private retryTimer: NodeJS.Timeout | undefined
  private giveUpTimer: NodeJS.Timeout | undefined

  constructor (private readonly client: SchedulerClient, private readonly options: SchedulerLinkOptions) {}

  get state (): LinkState { return this.current }
  get numLive (): number { return this.live.size }

  start (): void { this.connect() }

  /** Ends the stream; the scheduler frees what is still in flight. */
  close (): void {
    this.closed = true
    clearTimeout(this.retryTimer)
    this.failAll(gatewayError('shutting_down'))
    this.stream?.end()
  }

  /** Throws `not_ready`. */
  submit (request: SequenceRequest, sink: SequenceSink): SequenceHandle {
    if (!this.current.ready || this.stream === undefined) throw gatewayError('not_ready', { reason: this.current.reason })
    const sequence: LiveSequence = { request, sink, outputTokenIds: [] }
    this.live.set(request.requestId, sequence)
    this.stream.write(generateMessage(sequence))
    return { abort: () => { this.abort(request.requestId) } }
  }

  private abort (requestId: string): void {
    if (this.live.delete(requestId) && !this.detached) this.stream?.write({ abort: { requestId } })
  }

  private connect (): void {
    const stream = this.client.serve()
    this.stream = stream
    let over = false
    const onOver = (reason: string): void => {
      if (over) return
      over = true
      this.onStreamLost(reason)
    }
    stream.on('data', (message: SchedulerMessage__Output) => { this.onMessage(message) })
    stream.on('error', error => { onOver(error.message) })
    stream.on('end', () => { onOver('the scheduler closed the stream') })
  }

  private onMessage (message: SchedulerMessage__Output): void {
    if (message.state) this.onServingState(message.state)
    for (const event of message.events) this.onEvent(event)
  }

  private onServingState (state: ServingState__Output): void {
    this.numFailures = 0
    const { modelFingerprint } = this.options
    const mismatch = state.ready && modelFingerprint !== '' && state.modelFingerprint !== modelFingerprint
    this.current = {
      connected: true,
      ready: state.ready && !mismatch,
      reason: mismatch ? `the scheduler serves another checkpoint (${state.modelName})` : state.reason,
      maxModelLen: state.maxModelLen
    }
    this.options.logger.info({ ready: this.current.ready, reason: this.current.reason, maxModelLen: state.maxModelLen }, 'serving state changed')
    if (this.detached && this.current.ready) this.reattach()
  }

  private onEvent (event: RequestEvent__Output): void {
    const sequence = this.live.get(event.requestId)
    if (sequence === undefined) return
    for (const token of event.tokens) sequence.outputTokenIds.push(token.tokenId)
    if (event.finishReason !== 'FINISH_REASON_UNSPECIFIED') this.live.delete(event.requestId)
    sequence.sink.onEvent(event)
  }

  private reattach (): void {
    this.detached = false
    clearTimeout(this.giveUpTimer)
    this.giveUpTimer = undefined
    this.options.logger.info({ numSequences: this.live.size }, 'scheduler is back, sequences submitted again')
    for (const sequence of this.live.values()) this.stream?.write(generateMessage(sequence))
  }

  private onStreamLost (reason: string): void {
    this.stream = undefined
    this.current = { ...this.current, connected: false, ready: false, reason: `no scheduler: ${reason}` }
    if (this.closed) return
    if (this.numFailures === 0) this.options.logger.warn({ reason, numSequences: this.live.size }, 'scheduler stream lost')
    this.detached = true
    const { reattachTimeoutMs, retryMinMs = 100, retryMaxMs = 2000 } = this.options
    this.giveUpTimer ??= setTimeout(() => {
      this.failAll(gatewayError('scheduler_lost', { timeoutMs: reattachTimeoutMs }))
    }, reattachTimeoutMs)
    const delayMs = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(this.numFailures++, 16))
    this.retryTimer = setTimeout(() => { this.connect() }, delayMs)
  }

  private failAll (error: TandemError): void {
    clearTimeout(this.giveUpTimer)
    this.giveUpTimer = undefined
    const sequences = [...this.live.values()]
    this.live.clear()
    for (const { sink } of sequences) sink.onLost(error)
  }
}

function generateMessage ({ request, outputTokenIds }: LiveSequence): GatewayMessageMessage {
  return {
    generate: {
      requestId: request.requestId,
      promptTokenIds: request.promptTokenIds as number[],
      maxTokens: request.maxTokens,
      sampling: samplingToMessage(request.sampling),
      outputTokenIds
    }
  }
}
