// Owns the Serve streams: one per gateway, the ServingState first, then one message per flush with all events of
// all its requests. A gateway that reads slowly gets fewer, larger messages; one that does not read is cut off.
import type { ServerDuplexStream } from '@grpc/grpc-js'
import { samplingFromMessage } from '@tandem/protocol'
import type { GatewayMessage__Output, SchedulerMessageMessage } from '@tandem/protocol'
import type { Logger } from 'pino'
import type { RequestEvent, ServingState } from '../core/index.js'
import type { CoreLoop } from '../core-loop.js'
import { schedulerError } from '../errors.js'
import { toServiceError } from './status.js'

export type ServeCall = ServerDuplexStream<GatewayMessage__Output, SchedulerMessageMessage>

interface GatewayStream {
  readonly call: ServeCall
  /** What could not be written yet; sent as one message when the stream drains. */
  events: RequestEvent[]
  state: ServingState | undefined
  isBlocked: boolean
}

export class GatewayStreams {
  readonly #streams = new Map<number, GatewayStream>()
  #gatewayIds = 0

  constructor (readonly loop: CoreLoop, readonly maxBufferedEvents: number, readonly logger: Logger) {}

  get size (): number { return this.#streams.size }

  serve (call: ServeCall): void {
    const gatewayId = ++this.#gatewayIds
    const stream: GatewayStream = { call, events: [], state: this.loop.core.servingState, isBlocked: false }
    this.#streams.set(gatewayId, stream)
    this.loop.post({ type: 'gatewayAttached', gatewayId })
    this.logger.info({ gatewayId, peer: call.getPeer() }, 'gateway attached')
    this.#write(stream)
    call.on('data', (message: GatewayMessage__Output) => { this.#receive(gatewayId, message) })
    call.on('drain', () => {
      stream.isBlocked = false
      if (stream.events.length > 0 || stream.state) this.#write(stream)
    })
    const leave = (): void => { this.#detach(gatewayId) }
    call.on('end', () => { leave(); call.end() })
    call.on('cancelled', leave)
    call.on('close', leave)
    call.on('error', leave)
  }

  sendEvents (gatewayId: number, events: RequestEvent[]): void {
    const stream = this.#streams.get(gatewayId)
    if (!stream) return
    if (stream.events.length === 0) stream.events = events
    else for (const event of events) stream.events.push(event)
    if (!stream.isBlocked) this.#write(stream)
    else if (stream.events.length > this.maxBufferedEvents) {
      this.#reject(gatewayId, schedulerError('gateway_too_slow', { maxBufferedEvents: this.maxBufferedEvents }))
    }
  }

  broadcast (state: ServingState): void {
    for (const stream of this.#streams.values()) {
      stream.state = state
      if (!stream.isBlocked) this.#write(stream)
    }
  }

  closeAll (): void {
    const error = toServiceError(schedulerError('shutting_down'))
    for (const [gatewayId, { call }] of this.#streams) {
      this.#streams.delete(gatewayId)
      call.emit('error', error)
    }
  }

  #write (stream: GatewayStream): void {
    const { events, state } = stream
    stream.events = []
    stream.state = undefined
    stream.isBlocked = !stream.call.write(state ? { events, state } : { events })
  }

  #receive (gatewayId: number, { generate, abort }: GatewayMessage__Output): void {
    if (!this.#streams.has(gatewayId)) return
    if (abort) this.loop.post({ type: 'abort', gatewayId, requestId: abort.requestId })
    else if (generate?.sampling && generate.requestId !== '') {
      const { sampling, ...request } = generate
      this.loop.post({ type: 'generate', gatewayId, request: { ...request, sampling: samplingFromMessage(sampling) } })
    } else {
      const reason = generate ? 'generate needs a request_id and sampling' : 'it is empty'
      this.#reject(gatewayId, schedulerError('message_invalid', { reason }))
    }
  }

  #reject (gatewayId: number, error: Error): void {
    const stream = this.#streams.get(gatewayId)
    this.logger.warn({ gatewayId, err: error }, 'gateway cut off')
    this.#detach(gatewayId)
    stream?.call.emit('error', toServiceError(error))
  }

  #detach (gatewayId: number): void {
    if (!this.#streams.delete(gatewayId)) return
    this.loop.post({ type: 'gatewayDetached', gatewayId })
    this.logger.info({ gatewayId }, 'gateway detached')
  }
}
