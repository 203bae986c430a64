// Original file: proto/tandem/v1/connector.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ConnectorFrame as _tandem_v1_ConnectorFrame, ConnectorFrame__Output as _tandem_v1_ConnectorFrame__Output } from '../../tandem/v1/ConnectorFrame.js';

export interface FfnConnectorClient extends grpc.Client {
  Exchange(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_ConnectorFrame, _tandem_v1_ConnectorFrame__Output>;
  Exchange(options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_ConnectorFrame, _tandem_v1_ConnectorFrame__Output>;
  exchange(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_ConnectorFrame, _tandem_v1_ConnectorFrame__Output>;
  exchange(options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_ConnectorFrame, _tandem_v1_ConnectorFrame__Output>;
  
}

export interface FfnConnectorHandlers extends grpc.UntypedServiceImplementation {
  Exchange: grpc.handleBidiStreamingCall<_tandem_v1_ConnectorFrame__Output, _tandem_v1_ConnectorFrame>;
  
}

export interface FfnConnectorDefinition extends grpc.ServiceDefinition {
  Exchange: MethodDefinition<_tandem_v1_ConnectorFrame, _tandem_v1_ConnectorFrame, _tandem_v1_ConnectorFrame__Output, _tandem_v1_ConnectorFrame__Output>
}
