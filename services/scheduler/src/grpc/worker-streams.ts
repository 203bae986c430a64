// Owns the AttachWorker streams: the first message registers the worker, the end of the stream is its death. A
// refused worker gets a status whose details it can print.
import type { ServerDuplexStream } from '@grpc/grpc-js'
import { isTandemError } from '@tandem/core'
import type { TandemError } from '@tandem/core'
import type { RegisterWorker__Output, WorkerCommandMessage, WorkerMessage__Output } from '@tandem/protocol'
import type { Logger } from 'pino'
import type { CoreLoop } from '../core-loop.js'
import { schedulerError } from '../errors.js'
import type { SchedulerMetrics } from '../metrics.js'
import { registrationFromMessage } from './convert.js'
import { toServiceError } from './status.js'

export type WorkerCall = ServerDuplexStream<WorkerMessage__Output, WorkerCommandMessage>

interface WorkerStream {
  readonly workerId: string
  readonly call: WorkerCall
  /** Of this registration; 0 until accepted. */
  workerNumber: number
}

export class WorkerStreams {
  readonly #streams = new Map<string, WorkerStream>()

  constructor (
    readonly loop: CoreLoop, readonly heartbeatIntervalMs: number, readonly metrics: SchedulerMetrics, readonly logger: Logger
  ) {}

  get size (): number { return this.#streams.size }

  attach (call: WorkerCall): void {
    let stream: WorkerStream | undefined
    call.on('data', (message: WorkerMessage__Output) => {
      try {
        if (!stream) stream = this.#register(call, message.register)
        else if (this.#streams.get(stream.workerId) === stream) this.#receive(stream.workerId, message)
      } catch (error) {
        if (!isTandemError(error)) throw error
        this.logger.warn({ err: error, peer: call.getPeer() }, 'worker refused')
        if (stream) this.#detach(stream, error.message)
        call.emit('error', toServiceError(error))
      }
    })
    const leave = (reason: string) => (): void => { if (stream) this.#detach(stream, reason) }
    call.on('end', () => { leave('it closed its stream')(); call.end() })
    call.on('cancelled', leave('its stream broke'))
    call.on('close', leave('its stream closed'))
    call.on('error', leave('its stream failed'))
  }

  accept (workerId: string, workerNumber: number): void {
    const stream = this.#streams.get(workerId)
    if (!stream) return
    stream.workerNumber = workerNumber
    this.send(workerId, { accepted: { workerNumber, heartbeatIntervalMs: this.heartbeatIntervalMs } })
  }

  send (workerId: string, command: WorkerCommandMessage): void {
    this.#streams.get(workerId)?.call.write(command)
  }

  /** The core already lost the worker: only the stream is left to end. */
  drop (workerId: string, workerNumber: number, error: TandemError): void {
    const stream = this.#streams.get(workerId)
    if (!stream || stream.workerNumber !== workerNumber) return
    this.#forget(stream)
    stream.call.emit('error', toServiceError(error))
  }

  closeAll (): void {
    const error = toServiceError(schedulerError('shutting_down'))
    for (const [workerId, { call }] of this.#streams) {
      this.#streams.delete(workerId)
      call.emit('error', error)
    }
  }

  #register (call: WorkerCall, message: RegisterWorker__Output | null | undefined): WorkerStream {
    if (!message) throw schedulerError('message_invalid', { reason: 'the first message must register the worker' })
    const { workerId } = message
    const older = this.#streams.get(workerId)
    if (older) {
      this.#detach(older, 'it opened a new stream')
      older.call.emit('error', toServiceError(schedulerError('worker_replaced', { workerId })))
    }
    const stream: WorkerStream = { workerId, call, workerNumber: 0 }
    this.loop.post({ type: 'workerRegistered', registration: registrationFromMessage(message) })
    this.#streams.set(workerId, stream)
    this.loop.flush()
    return stream
  }

  #receive (workerId: string, message: WorkerMessage__Output): void {
    const { stepResult, heartbeat, assignmentReady, topologyReady, peerDown } = message
    if (stepResult) {
      this.metrics.observeStep(workerId, stepResult)
      this.loop.post({ type: 'stepResult', workerId, result: stepResult })
    } else if (heartbeat) this.loop.post({ type: 'heartbeat', workerId, ...(heartbeat.stats ? { stats: heartbeat.stats } : {}) })
    else if (assignmentReady) this.loop.post({ type: 'assignmentReady', workerId, epoch: assignmentReady.epoch })
    else if (topologyReady) this.loop.post({ type: 'topologyReady', workerId, epoch: topologyReady.epoch })
    else if (peerDown) this.loop.post({ type: 'peerDown', workerId, peerId: peerDown.workerId, reason: peerDown.reason })
    else if (message.drainRequested) this.loop.post({ type: 'drain', workerId, requestedBy: 'worker' })
    else throw schedulerError('message_invalid', { reason: message.register ? 'a worker registers once per stream' : 'it is empty' })
  }

  #detach (stream: WorkerStream, reason: string): void {
    if (this.#streams.get(stream.workerId) !== stream) return
    this.#forget(stream)
    this.loop.post({ type: 'workerLost', workerId: stream.workerId, reason })
  }

  #forget ({ workerId }: WorkerStream): void {
    this.#streams.delete(workerId)
    this.metrics.forgetWorker(workerId)
  }
}
