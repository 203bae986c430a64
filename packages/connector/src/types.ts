// Owns the connector contract: how attention and FFN workers exchange activations. loopback, grpc and tcp
// implement it here and pass one conformance suite; shm and native tcp (csrc) speak the same frames.
import type { ConnectorKind, FfnEndpoint } from '@tandem/core'
import type { FrameDtype, FrameStatus } from './frame-layout.js'

/** Hidden states of one ubatch at one layer, on their way to one FFN worker. */
export interface A2fFrame {
  readonly kind: 'a2f'
  readonly epoch: number
  readonly workerNumber: number
  readonly frameId: number
  readonly layerIdx: number
  readonly ubatchIdx: number
  readonly numTokens: number
  readonly hiddenSize: number
  readonly dtype: FrameDtype
  /** Encoded as `dtype` says; the activation codec turns it into float32. */
  readonly hidden: Uint8Array
  /** fp8 only: [numTokens, ceil(hiddenSize / 128)]. */
  readonly scales: Float32Array
  readonly topK: number
  /** [numTokens, topK]; empty on dense layers. */
  readonly topkIds: Uint16Array
  readonly topkWeights: Float32Array
}

/** Partial sums of one FFN worker for one a2f frame. */
export interface F2aFrame {
  readonly kind: 'f2a'
  readonly epoch: number
  readonly workerNumber: number
  readonly frameId: number
  readonly layerIdx: number
  readonly ubatchIdx: number
  readonly numTokens: number
  readonly hiddenSize: number
  readonly dtype: FrameDtype
  /** [numPartials][numTokens, hiddenSize] */
  readonly partials: Uint8Array
  /** Tree node of each partial. */
  readonly nodes: Uint8Array
  readonly computeUs: number
}

export interface HelloFrame {
  readonly kind: 'hello'
  readonly workerNumber: number
  readonly workerId: string
  /** 32 bytes each. */
  readonly tokenDigest: Uint8Array
  readonly modelFingerprint: Uint8Array
}

export interface ErrorFrame {
  readonly kind: 'error'
  readonly epoch: number
  /** Of the a2f frame that is refused; 0 refuses the channel as a whole, so frame ids start at 1. */
  readonly frameId: number
  readonly status: FrameStatus
  readonly message: string
}

export type Frame = A2fFrame | F2aFrame | HelloFrame | ErrorFrame

/** Attention side: one channel to one FFN worker. Bounded: at most `maxInFlight` frames unanswered. */
export interface FfnChannel {
  readonly kind: ConnectorKind
  /** Resolves when the frame was handed over; rejects `overloaded` when the window is full, `peer_down` when closed. */
  sendAttnOutput (frame: A2fFrame): Promise<void>
  /** The answer to `frameId`. Rejects with the typed error of an error frame, or `peer_down`. */
  recvFfnOutput (frameId: number): Promise<F2aFrame>
  /** Called once, with the reason, when the channel is gone. */
  onClose (listener: (reason: string) => void): void
  close (): Promise<void>
}

/** FFN side: a frame and the way back to its sender. */
export interface A2fDelivery {
  readonly frame: A2fFrame
  /** Identity of the sending channel, stable for its life. */
  readonly channelId: number
}

/** FFN side: accepts channels and queues their frames (bounded; beyond it senders get `overloaded`). */
export interface FfnListener {
  readonly endpoint: FfnEndpoint
  /** The next frame in arrival order; null once closed. */
  recvAttnOutput (): Promise<A2fDelivery | null>
  /** Frames that wait, for merging: takes those of `layerIdx` and `epoch` out of the queue, at most `maxTokens` in total. */
  takeWaiting (layerIdx: number, epoch: number, maxTokens: number): A2fDelivery[]
  /** Never rejects for a channel that is gone: the answer is dropped and counted. */
  sendFfnOutput (delivery: A2fDelivery, frame: F2aFrame): Promise<void>
  /** Refuses one frame with a typed error frame. */
  refuse (delivery: A2fDelivery, status: FrameStatus, message: string): Promise<void>
  stats (): ListenerStats
  close (): Promise<void>
}

export interface ListenerStats {
  readonly numChannels: number
  readonly queueLength: number
  readonly refused: Readonly<Partial<Record<FrameStatus, number>>>
  /** Frames and answers whose channel was gone. */
  readonly dropped: number
}

export interface ConnectOptions {
  readonly hello: HelloFrame
  readonly maxInFlight: number
  readonly connectTimeoutMs: number
}

export interface ListenOptions {
  /** Expected of every peer; a hello that differs is refused. */
  readonly tokenDigest: Uint8Array
  readonly modelFingerprint: Uint8Array
  readonly workerId: string
  readonly host: string
  readonly port: number
  readonly advertiseHost: string
  readonly maxQueuedFrames: number
  readonly maxFrameBytes: number
}

export interface Connector {
  readonly kind: ConnectorKind
  connect (endpoint: FfnEndpoint, options: ConnectOptions): Promise<FfnChannel>
  listen (options: ListenOptions): Promise<FfnListener>
}
