// Owns a scheduler for tests: answers GetCluster with what the test sets, records SetScale, and commands the launcher.
import type { ServerDuplexStream } from '@grpc/grpc-js'
import { createGrpcServer, SchedulerClientConstructor } from '@tandem/protocol'
import type { ClusterMessage, LauncherCommandMessage, LauncherHello__Output, LauncherMessage__Output, SchedulerHandlers, SetScaleRequest__Output } from '@tandem/protocol'

export interface FakeScheduler {
  readonly address: string
  cluster: ClusterMessage
  /** Resolves with the hello of the launcher. */
  readonly launcherHello: Promise<LauncherHello__Output>
  readonly drained: string[]
  /** Every SetScale. */
  readonly scales: SetScaleRequest__Output[]
  command (target: LauncherCommandMessage): void
  close (): Promise<void>
}

export async function startFakeScheduler (cluster: ClusterMessage = {}): Promise<FakeScheduler> {
  const { server, listen, close } = createGrpcServer({ host: '127.0.0.1', port: 0, clusterToken: '' })
  let launcher: ServerDuplexStream<LauncherMessage__Output, LauncherCommandMessage> | undefined
  let greet: (hello: LauncherHello__Output) => void = () => {}
  const launcherHello = new Promise<LauncherHello__Output>(resolve => { greet = resolve })
  const drained: string[] = []
  const scales: SetScaleRequest__Output[] = []
  const handlers: Partial<SchedulerHandlers> = {
    GetCluster: (_call, respond) => respond(null, fake.cluster),
    SetScale: ({ request }, respond) => {
      scales.push(request)
      const scale = { attention: request.attention ?? 0, ffn: request.ffn ?? 0 }
      respond(null, scale)
    },
    DrainWorker: ({ request }, respond) => { drained.push(request.workerId); respond(null, {}) },
    AttachLauncher: stream => {
      launcher = stream
      stream.on('data', ({ hello }) => { if (hello) greet(hello) })
      stream.on('end', () => stream.end())
    }
  }
  server.addService(SchedulerClientConstructor.service, handlers as never)
  const port = await listen()
  const fake: FakeScheduler = {
    address: `127.0.0.1:${port}`, cluster, launcherHello, drained, scales, command: target => { launcher?.write(target) }, close: () => close(100)
  }
  return fake
}
