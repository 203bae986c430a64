// Valid frames to start from.
import { encodeActivations } from '../../src/activation-codec.js'
import { MAX_FRAME_BYTES } from '../../src/frame-layout.js'
import { tokenDigestOf } from '../../src/handshake.js'
import type { A2fFrame, F2aFrame, HelloFrame, ListenOptions } from '../../src/types.js'

export const modelFingerprint = new Uint8Array(32).fill(9)

/** What a listener for `hello` is opened with. */
export const listenOptions: ListenOptions = Object.freeze({
  tokenDigest: tokenDigestOf('secret'),
  modelFingerprint,
  workerId: 'ffn-1',
  host: '127.0.0.1',
  port: 0,
  advertiseHost: '127.0.0.1',
  maxQueuedFrames: 64,
  maxFrameBytes: MAX_FRAME_BYTES
})

export function hello (token = 'secret', fingerprint = modelFingerprint): HelloFrame {
  return { kind: 'hello', workerNumber: 3, workerId: 'attention-1', tokenDigest: tokenDigestOf(token), modelFingerprint: fingerprint }
}

export interface A2fShape {
  readonly frameId?: number
  readonly numTokens?: number
  readonly hiddenSize?: number
  readonly topK?: number
  readonly dtype?: 'f32' | 'bf16' | 'fp8_e4m3'
  readonly layerIdx?: number
  readonly epoch?: number
}

export function a2f (shape: A2fShape = {}): A2fFrame {
  const { frameId = 1, numTokens = 3, hiddenSize = 8, topK = 2, dtype = 'f32', layerIdx = 5, epoch = 4 } = shape
  const values = Float32Array.from({ length: numTokens * hiddenSize }, (_, i) => Math.sin(i + frameId))
  return {
    kind: 'a2f',
    epoch,
    workerNumber: 3,
    frameId,
    layerIdx,
    ubatchIdx: 1,
    numTokens,
    hiddenSize,
    dtype,
    topK,
    ...encodeActivations(values, hiddenSize, dtype),
    topkIds: Uint16Array.from({ length: numTokens * topK }, (_, i) => i % 7),
    topkWeights: Float32Array.from({ length: numTokens * topK }, (_, i) => 1 / (i + 2))
  }
}

/** An answer that carries the hidden states back, once per node. */
export function answerTo (frame: A2fFrame, nodes = [1]): F2aFrame {
  const { epoch, workerNumber, frameId, layerIdx, ubatchIdx, numTokens, hiddenSize } = frame
  const size = numTokens * hiddenSize * 4
  const partials = new Uint8Array(size * nodes.length)
  nodes.forEach((_, i) => { partials.set(frame.hidden.subarray(0, size), i * size) })
  return {
    kind: 'f2a', epoch, workerNumber, frameId, layerIdx, ubatchIdx, numTokens, hiddenSize, dtype: 'f32', partials, nodes: Uint8Array.from(nodes), computeUs: 12
  }
}
