// Owns how our gRPC clients dial: the token on every call, limits, reconnect backoff.
import { credentials, InterceptingCall } from '@grpc/grpc-js'
import type { Interceptor } from '@grpc/grpc-js'
import type { FfnConnectorClient } from './gen/tandem/v1/FfnConnector.js'
import type { SchedulerClient } from './gen/tandem/v1/Scheduler.js'
import { FfnConnectorClientConstructor, SchedulerClientConstructor } from './load.js'
import { channelOptions, TOKEN_METADATA_KEY } from './server.js'

const clientOptions = {
  ...channelOptions,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000
}

export function createSchedulerClient (address: string, clusterToken: string): SchedulerClient {
  return new SchedulerClientConstructor(address, credentials.createInsecure(), {
    ...clientOptions, interceptors: [sendToken(clusterToken)]
  })
}

export function createFfnConnectorClient (address: string, clusterToken: string): FfnConnectorClient {
  return new FfnConnectorClientConstructor(address, credentials.createInsecure(), {
    ...clientOptions, interceptors: [sendToken(clusterToken)]
  })
}

function sendToken (clusterToken: string): Interceptor {
  return (options, nextCall) => new InterceptingCall(nextCall(options), {
    start (metadata, listener, next) {
      if (clusterToken !== '') metadata.set(TOKEN_METADATA_KEY, clusterToken)
      next(metadata, listener)
    }
  })
}
