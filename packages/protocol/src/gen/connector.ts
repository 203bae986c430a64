import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ConnectorFrame as _tandem_v1_ConnectorFrame, ConnectorFrame__Output as _tandem_v1_ConnectorFrame__Output } from './tandem/v1/ConnectorFrame.js';
import type { FfnConnectorClient as _tandem_v1_FfnConnectorClient, FfnConnectorDefinition as _tandem_v1_FfnConnectorDefinition } from './tandem/v1/FfnConnector.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  tandem: {
    v1: {
      ConnectorFrame: MessageTypeDefinition<_tandem_v1_ConnectorFrame, _tandem_v1_ConnectorFrame__Output>
      FfnConnector: SubtypeConstructor<typeof grpc.Client, _tandem_v1_FfnConnectorClient> & { service: _tandem_v1_FfnConnectorDefinition }
    }
  }
}

