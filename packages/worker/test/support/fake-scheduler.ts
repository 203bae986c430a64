// A scheduler reduced to its worker stream: tests read what a worker says and send what they want.
import type { ServerDuplexStream } from '@grpc/grpc-js'
import { createGrpcServer, SchedulerClientConstructor } from '@tandem/protocol'
import type { WorkerCommandMessage, WorkerMessage__Output } from '@tandem/protocol'

type WorkerCall = ServerDuplexStream<WorkerMessage__Output, WorkerCommandMessage>
type Kind = NonNullable<WorkerMessage__Output['message']>

export class AttachedWorker {
  readonly received: WorkerMessage__Output[] = []
  isOver = false
  #waiting: Array<() => void> = []
  #numTaken = 0

  constructor (private readonly call: WorkerCall) {
    call.on('data', (message: WorkerMessage__Output) => { this.received.push(message); this.#wake() })
    const over = (): void => { this.isOver = true; this.#wake() }
    call.on('end', () => { call.end(); over() })
    call.on('cancelled', over)
    call.on('error', over)
  }

  send (command: WorkerCommandMessage): void { this.call.write(command) }

  /** The next message of `kind` after those taken before; others in between are skipped. */
  async next<K extends Kind> (kind: K): Promise<NonNullable<WorkerMessage__Output[K]>> {
    for (;;) {
      while (this.#numTaken < this.received.length) {
        const message = this.received[this.#numTaken++]!
        if (message.message === kind) return message[kind]!
      }
      if (this.isOver) throw new Error(`the worker left before it sent ${kind}`)
      await new Promise<void>(resolve => { this.#waiting.push(resolve) })
    }
  }

  async untilOver (): Promise<void> {
    while (!this.isOver) await new Promise<void>(resolve => { this.#waiting.push(resolve) })
  }

  end (): void { this.call.end() }

  #wake (): void { for (const waiter of this.#waiting.splice(0)) waiter() }
}

export interface FakeScheduler {
  readonly address: string
  /** The next stream a worker opens. */
  nextWorker (): Promise<AttachedWorker>
  /** Registered and accepted. */
  nextAccepted (heartbeatIntervalMs?: number): Promise<AttachedWorker>
  close (): Promise<void>
}

export async function startFakeScheduler (port = 0, clusterToken = ''): Promise<FakeScheduler> {
  const grpc = createGrpcServer({ host: '127.0.0.1', port, clusterToken })
  const attached: AttachedWorker[] = []
  const waiting: Array<(worker: AttachedWorker) => void> = []
  const unused = (): void => {}
  grpc.server.addService(SchedulerClientConstructor.service, {
    AttachWorker (call: WorkerCall) {
      const worker = new AttachedWorker(call)
      const waiter = waiting.shift()
      if (waiter === undefined) attached.push(worker)
      else waiter(worker)
    },
    Serve: unused,
    AttachLauncher: unused,
    GetCluster: unused,
    SetScale: unused,
    DrainWorker: unused,
    GetMetrics: unused
  })
  const address = `127.0.0.1:${await grpc.listen()}`
  const nextWorker = (): Promise<AttachedWorker> => {
    const worker = attached.shift()
    return worker === undefined ? new Promise(resolve => { waiting.push(resolve) }) : Promise.resolve(worker)
  }
  return {
    address,
    nextWorker,
    async nextAccepted (heartbeatIntervalMs = 60_000) {
      const worker = await nextWorker()
      await worker.next('register')
      worker.send({ accepted: { workerNumber: 1, heartbeatIntervalMs } })
      return worker
    },
    close: () => grpc.close(0)
  }
}
