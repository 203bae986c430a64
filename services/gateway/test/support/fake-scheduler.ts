// A scheduler that answers from a script, over real gRPC on a free port.
import { EventEmitter, once } from 'node:events'
import type { Metadata, ServerDuplexStream } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import { createGrpcServer, SchedulerClientConstructor } from '@tandem/protocol'
import type {
  AbortRequest__Output, ErrorMessage, GatewayMessage__Output, GenerateRequest__Output, GrpcServer, RequestEventMessage, SchedulerHandlers,
  SchedulerMessageMessage, ServingStateMessage
} from '@tandem/protocol'

type Stream = ServerDuplexStream<GatewayMessage__Output, SchedulerMessageMessage>

/** Called for every generate; sends events when it likes. */
export type Script = (request: GenerateRequest__Output, scheduler: FakeScheduler) => void

const readyState: ServingStateMessage = { ready: true, reason: '', modelName: 'tiny', modelFingerprint: 'f00d', maxModelLen: 512 }

export class FakeScheduler {
  readonly received: GenerateRequest__Output[] = []
  readonly aborted: string[] = []
  readonly calls: Array<readonly [string, unknown]> = []
  state: ServingStateMessage = readyState
  metricsText = '# TYPE tandem_scheduler_steps_total counter\ntandem_scheduler_steps_total 3\n'
  /** What unary calls fail with. */
  refusal: { code: status, details: string, metadata?: Metadata } | undefined
  readonly events = new EventEmitter()
  port = 0
  private server: GrpcServer | undefined
  private readonly streams = new Set<Stream>()

  constructor (public script: Script) {}

  /** Resolves with the port. */
  async listen (port = 0): Promise<number> {
    this.server = createGrpcServer({ host: '127.0.0.1', port, clusterToken: '' })
    this.server.server.addService(SchedulerClientConstructor.service, this.handlers() as never)
    this.port = await this.server.listen()
    return this.port
  }

  async close (): Promise<void> {
    await this.server?.close(0)
    this.server = undefined
    this.streams.clear()
  }

  send (events: RequestEventMessage[]): void {
    for (const stream of this.streams) stream.write({ events })
  }

  sendState (state: Partial<ServingStateMessage>): void {
    this.state = { ...this.state, ...state }
    for (const stream of this.streams) stream.write({ state: this.state })
  }

  tokens (requestId: string, tokenIds: readonly number[], more: RequestEventMessage = {}): void {
    this.send([{ requestId, tokens: tokenIds.map(tokenId => ({ tokenId })), ...more }])
  }

  fail (requestId: string, error: ErrorMessage): void {
    this.send([{ requestId, finishReason: 'FINISH_REASON_ERROR', error }])
  }

  /** Ends the streams as a dying scheduler does, without closing the port. */
  dropStreams (): void {
    for (const stream of this.streams) stream.emit('error', { code: status.UNAVAILABLE, details: 'going away' })
    this.streams.clear()
  }

  async nextAbort (): Promise<string> {
    const [requestId] = await once(this.events, 'abort') as [string]
    return requestId
  }

  async nextGenerate (): Promise<GenerateRequest__Output> {
    const [request] = await once(this.events, 'generate') as [GenerateRequest__Output]
    return request
  }

  private handlers (): Partial<SchedulerHandlers> {
    const unary = (name: string, answer: () => object) =>
      (call: { request: unknown }, callback: (error: object | null, value?: object) => void) => {
        this.calls.push([name, call.request])
        if (this.refusal) callback(this.refusal)
        else callback(null, answer())
      }
    return {
      Serve: stream => { this.serve(stream) },
      GetMetrics: unary('getMetrics', () => ({ text: this.metricsText })),
      GetCluster: unary('getCluster', () => ({
        state: this.state, epoch: 2, split: 'FFN_SPLIT_EP', workers: [{ workerId: 'a-1', role: 'WORKER_ROLE_ATTENTION', state: 'ready' }]
      })),
      SetScale: unary('setScale', () => ({ attention: 2, ffn: 3 })),
      DrainWorker: unary('drainWorker', () => ({}))
    } as Partial<SchedulerHandlers>
  }

  private serve (stream: Stream): void {
    this.streams.add(stream)
    stream.write({ state: this.state })
    stream.on('data', (message: GatewayMessage__Output) => {
      if (message.generate) this.onGenerate(message.generate)
      if (message.abort) this.onAbort(message.abort)
    })
    stream.on('end', () => { this.streams.delete(stream); stream.end() })
    stream.on('error', () => { this.streams.delete(stream) })
  }

  private onGenerate (request: GenerateRequest__Output): void {
    this.received.push(request)
    this.events.emit('generate', request)
    this.script(request, this)
  }

  private onAbort ({ requestId }: AbortRequest__Output): void {
    this.aborted.push(requestId)
    this.events.emit('abort', requestId)
  }
}
