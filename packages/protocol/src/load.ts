// Owns loading of proto/tandem/v1 and the one place where its codec options are set: they must match the
// options of the generated types (see scripts in package.json).
import { fileURLToPath } from 'node:url'
import { loadPackageDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { ProtoGrpcType as ConnectorProto } from './gen/connector.js'
import type { ProtoGrpcType as SchedulerProto } from './gen/scheduler.js'

const protoRoot = fileURLToPath(new URL('../../../proto', import.meta.url))

const definition = loadSync(['tandem/v1/scheduler.proto', 'tandem/v1/connector.proto'], {
  includeDirs: [protoRoot],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true
})

const loaded = loadPackageDefinition(definition) as unknown as SchedulerProto & ConnectorProto

/** Client constructor and service definition of tandem.v1.Scheduler. */
export const SchedulerClientConstructor = loaded.tandem.v1.Scheduler
/** Client constructor and service definition of tandem.v1.FfnConnector. */
export const FfnConnectorClientConstructor = loaded.tandem.v1.FfnConnector
