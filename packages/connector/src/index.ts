export { decodeActivations, encodeActivations } from './activation-codec.js'
export type { EncodedActivations } from './activation-codec.js'
export { connectorErrors, errorOfStatus, statusOfError } from './errors.js'
export type { ConnectorErrorCode } from './errors.js'
export { checkFrame, decodeFrame, encodeFrame, encodeFrameParts, float32View } from './frame-codec.js'
export {
  FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FRAME_MAGIC, FRAME_VERSION, frameDtypes, frameKinds, frameStatuses, headerOffsets, MAX_FRAME_BYTES
} from './frame-layout.js'
export type { FrameDtype, FrameKind, FrameStatus } from './frame-layout.js'
export { bfloat16Of, e4m3Of, e4m3Values } from './fp8.js'
export { createGrpcConnector } from './grpc/connector.js'
export type { GrpcConnectorOptions } from './grpc/connector.js'
export { fingerprintBytes, requireTokenForListener, tokenDigestOf } from './handshake.js'
export { createLoopbackConnector } from './loopback.js'
export { createTcpConnector } from './tcp/connector.js'
export type {
  A2fDelivery, A2fFrame, ConnectOptions, Connector, ErrorFrame, F2aFrame, FfnChannel, FfnListener, Frame, HelloFrame, ListenerStats, ListenOptions
} from './types.js'
