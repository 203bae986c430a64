// Original file: proto/tandem/v1/connector.proto


export interface ConnectorFrame {
  'frame'?: (Buffer | Uint8Array | string);
}

export interface ConnectorFrame__Output {
  'frame': (Buffer);
}
