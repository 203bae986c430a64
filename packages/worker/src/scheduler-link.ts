// Owns a worker's stream to the scheduler: dialling for ever with backoff, registration, heartbeats, and the
// hand-over of commands. What commands mean is the service's business.
import { status as grpcStatus } from '@grpc/grpc-js'
import type { ClientDuplexStream, StatusObject } from '@grpc/grpc-js'
import { createSchedulerClient } from '@tandem/protocol'
import type {
  RegisterWorkerMessage, SchedulerClient, WorkerCommand__Output, WorkerMessageMessage, WorkerStatsMessage
} from '@tandem/protocol'
import type { Logger } from 'pino'

/** A scheduler is there and does not want this worker as it is: another token, another model, other arithmetic. */
const refusals: ReadonlySet<number> = new Set([
  grpcStatus.UNAUTHENTICATED, grpcStatus.PERMISSION_DENIED, grpcStatus.FAILED_PRECONDITION, grpcStatus.INVALID_ARGUMENT
])

/** One life of the stream. Messages of a session that is over are dropped: the scheduler has forgotten what they are about. */
export interface Session {
  readonly isOver: boolean
  send (message: WorkerMessageMessage): void
}

export interface WorkerHandlers {
  /** Called before every registration; a new session starts with a worker that holds no sequence. */
  register (): Promise<RegisterWorkerMessage>
  stats (): WorkerStatsMessage
  /** Every command but accepted and drained. */
  onCommand (command: WorkerCommand__Output, session: Session): void
}

export interface SchedulerLinkOptions {
  readonly schedulerAddress: string
  readonly clusterToken: string
  readonly handlers: WorkerHandlers
  readonly logger: Logger
  /** Nothing more is asked of the worker. */
  readonly onDrained: () => void
  readonly onFatal: (error: unknown) => void
  readonly firstRetryMs?: number
  readonly lastRetryMs?: number
}

type WorkerStream = ClientDuplexStream<WorkerMessageMessage, WorkerCommand__Output>

export class SchedulerLink {
  readonly #client: SchedulerClient
  #session: StreamSession | null = null
  #isClosed = false
  #numFailures = 0
  /** Workers may start before their scheduler. */
  #wasAccepted = false
  #lostCode: number | null = null
  #retryTimer: NodeJS.Timeout | undefined
  #waitsForDrain: (() => void) | null = null

  constructor (private readonly options: SchedulerLinkOptions) {
    this.#client = createSchedulerClient(options.schedulerAddress, options.clusterToken)
  }

  /** null while the scheduler cannot be reached. */
  get session (): Session | null { return this.#session?.isAccepted === true ? this.#session : null }

  start (): void {
    this.#open().catch(this.options.onFatal)
  }

  /** Asks to be emptied; resolves when that is done, when there is nobody to ask, or after `timeoutMs`. */
  async drain (timeoutMs: number): Promise<void> {
    const session = this.#session
    if (session === null || !session.isAccepted) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#waitsForDrain = () => { clearTimeout(timer); resolve() }
      session.send({ drainRequested: {} })
    })
    this.#waitsForDrain = null
  }

  close (): void {
    this.#isClosed = true
    clearTimeout(this.#retryTimer)
    this.#session?.end()
    this.#session = null
    this.#client.close()
  }

  async #open (): Promise<void> {
    const registration = await this.options.handlers.register()
    if (this.#isClosed) return
    const stream = this.#client.AttachWorker()
    const session = new StreamSession(stream)
    this.#session = session
    stream.on('data', (command: WorkerCommand__Output) => { this.#receive(command, session) })
    stream.on('error', () => {}) // 'status' always follows and says the same.
    stream.on('status', status => { this.#lost(session, status) })
    session.send({ register: registration })
  }

  #receive (command: WorkerCommand__Output, session: StreamSession): void {
    if (session.isOver) return
    const { accepted, drained } = command
    if (accepted) this.#accept(session, accepted.heartbeatIntervalMs)
    else if (drained && this.#waitsForDrain !== null) this.#waitsForDrain()
    else if (drained) this.options.onDrained()
    else this.options.handlers.onCommand(command, session)
  }

  #accept (session: StreamSession, heartbeatIntervalMs: number): void {
    const { schedulerAddress, handlers, logger } = this.options
    this.#numFailures = 0
    this.#wasAccepted = true
    this.#lostCode = null
    session.accept(heartbeatIntervalMs, handlers.stats)
    logger.info({ schedulerAddress }, 'registered with the scheduler')
  }

  #lost (session: StreamSession, { details, code }: StatusObject): void {
    session.end()
    if (this.#session === session) this.#session = null
    this.#waitsForDrain?.()
    if (this.#isClosed) return
    const { schedulerAddress, logger, firstRetryMs = 100, lastRetryMs = 2_000 } = this.options
    // Once per change: unreachable for an hour is one line, refused after that another one.
    if (code !== this.#lostCode) {
      const facts = { schedulerAddress, reason: details }
      if (refusals.has(code)) logger.warn(facts, 'the scheduler refuses this worker, trying again')
      else if (this.#wasAccepted) logger.warn(facts, 'no scheduler, trying again')
      else logger.info(facts, 'no scheduler yet, trying again')
    }
    this.#lostCode = code
    const delayMs = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(this.#numFailures++, 16))
    this.#retryTimer = setTimeout(() => { this.start() }, delayMs)
  }
}

class StreamSession implements Session {
  isOver = false
  isAccepted = false
  #heartbeat: NodeJS.Timeout | undefined

  constructor (private readonly stream: WorkerStream) {}

  send (message: WorkerMessageMessage): void {
    if (!this.isOver) this.stream.write(message)
  }

  accept (heartbeatIntervalMs: number, stats: () => WorkerStatsMessage): void {
    this.isAccepted = true
    const beat = (): void => { this.send({ heartbeat: { stats: stats() } }) }
    beat()
    this.#heartbeat = setInterval(beat, heartbeatIntervalMs)
  }

  end (): void {
    if (this.isOver) return
    this.isOver = true
    clearInterval(this.#heartbeat)
    this.stream.end()
  }
}
