export {
  FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FRAME_MAGIC, FRAME_VERSION, frameDtypes, frameKinds, frameStatuses, headerOffsets, MAX_FRAME_BYTES
} from './frame-layout.js'
export type { FrameDtype, FrameKind, FrameStatus } from './frame-layout.js'
export type {
  A2fDelivery, A2fFrame, ConnectOptions, Connector, ErrorFrame, F2aFrame, FfnChannel, FfnListener, Frame, HelloFrame, ListenerStats, ListenOptions
} from './types.js'
