// Owns the handlers of tandem.v1.Scheduler: streams go to their owners, unary calls are answered here.
import type { sendUnaryData } from '@grpc/grpc-js'
import type { ClusterMessage, SchedulerHandlers } from '@tandem/protocol'
import type { CoreLoop } from '../core-loop.js'
import type { GatewayStreams } from './gateway-streams.js'
import type { LauncherStream } from './launcher-stream.js'
import { toServiceError } from './status.js'
import type { WorkerStreams } from './worker-streams.js'

export interface SchedulerServiceParts {
  readonly loop: CoreLoop
  readonly gateways: GatewayStreams
  readonly workers: WorkerStreams
  readonly launcher: LauncherStream
  readonly viewCluster: () => ClusterMessage
  readonly metricsText: () => Promise<string>
}

export function schedulerHandlers (parts: SchedulerServiceParts): SchedulerHandlers {
  const { loop, gateways, workers, launcher } = parts
  return {
    Serve: call => { gateways.serve(call) },
    AttachWorker: call => { workers.attach(call) },
    AttachLauncher: call => { launcher.attach(call) },
    GetCluster: (_call, callback) => { answer(callback, parts.viewCluster) },
    DrainWorker: ({ request }, callback) => {
      answer(callback, () => {
        loop.post({ type: 'drain', workerId: request.workerId, requestedBy: 'operator' })
        return {}
      })
    },
    SetScale: ({ request }, callback) => {
      answer(callback, () => {
        loop.post({
          type: 'setScale',
          force: request.force,
          ...(request._attention === 'attention' && request.attention !== undefined ? { attention: request.attention } : {}),
          ...(request._ffn === 'ffn' && request.ffn !== undefined ? { ffn: request.ffn } : {})
        })
        return { ...loop.core.targets }
      })
    },
    GetMetrics: (_call, callback) => {
      parts.metricsText().then(text => { callback(null, { text }) }, error => { callback(toServiceError(error)) })
    }
  }
}

function answer<T> (callback: sendUnaryData<T>, produce: () => T): void {
  let value: T
  try {
    value = produce()
  } catch (error) {
    callback(toServiceError(error))
    return
  }
  callback(null, value)
}
