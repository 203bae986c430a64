// Owns unary calls to the scheduler as promises with a deadline and errors an HTTP client understands.
import type { SchedulerClient } from '@tandem/protocol'
import type {
  Cluster__Output, DrainWorkerRequestMessage, DrainWorkerResponse__Output, GetClusterRequestMessage, GetMetricsRequestMessage,
  GetMetricsResponse__Output, SetScaleRequestMessage, SetScaleResponse__Output
} from '@tandem/protocol'
import type { requestCallback } from '@grpc/grpc-js'
import { errorOfCall } from './scheduler-errors.js'

const DEADLINE_MS = 5_000

interface Calls {
  getCluster: { request: GetClusterRequestMessage, response: Cluster__Output }
  setScale: { request: SetScaleRequestMessage, response: SetScaleResponse__Output }
  drainWorker: { request: DrainWorkerRequestMessage, response: DrainWorkerResponse__Output }
  getMetrics: { request: GetMetricsRequestMessage, response: GetMetricsResponse__Output }
}

type UnaryCall<Name extends keyof Calls> =
  (request: Calls[Name]['request'], options: { deadline: Date }, callback: requestCallback<Calls[Name]['response']>) => void

export function callScheduler<Name extends keyof Calls> (
  client: SchedulerClient, name: Name, request: Calls[Name]['request']
): Promise<Calls[Name]['response']> {
  return new Promise((resolve, reject) => {
    const call = client[name].bind(client) as UnaryCall<Name>
    call(request, { deadline: new Date(Date.now() + DEADLINE_MS) }, (error, response) => {
      if (error) reject(errorOfCall(error))
      else resolve(response!)
    })
  })
}
