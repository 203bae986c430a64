// Owns the merge of frames into one batch of rows and the split of its partial sums back into answers. A row's
// result does not depend on what it is merged with, so this is for speed only.
import { decodeActivations } from '@tandem/connector'
import type { A2fDelivery, A2fFrame, F2aFrame, FrameStatus } from '@tandem/connector'
import type { ModelConfig } from '@tandem/model'

export interface FfnBatch {
  readonly deliveries: readonly A2fDelivery[]
  /** [numTokens, hiddenSize] float32, rows in the order of `deliveries`. */
  readonly hidden: Float32Array
  readonly topkIds: Uint16Array
  readonly topkWeights: Float32Array
}

export interface Refusal {
  readonly status: Exclude<FrameStatus, 'ok'>
  readonly message: string
}

/** Why this model cannot run a frame, or null. The epoch is checked elsewhere. */
export function refusalOf (frame: A2fFrame, config: ModelConfig): Refusal | null {
  const malformed = (message: string): Refusal => ({ status: 'malformed', message })
  const ffn = config.ffn[frame.layerIdx]
  if (ffn === undefined) return { status: 'unknown_layer', message: `layer ${frame.layerIdx} of ${config.numLayers}` }
  if (frame.hiddenSize !== config.hiddenSize) return malformed(`hidden size ${frame.hiddenSize}, the model has ${config.hiddenSize}`)
  const topK = ffn.kind === 'moe' ? ffn.router.topK : 0
  if (frame.topK !== topK) return malformed(`${frame.topK} experts per token at layer ${frame.layerIdx}, the model has ${topK}`)
  if (ffn.kind === 'moe' && frame.topkIds.some(expertId => expertId >= ffn.numExperts)) return malformed('an expert id is out of range')
  return null
}

export function mergeFrames (deliveries: readonly A2fDelivery[]): FfnBatch {
  const frames = deliveries.map(({ frame }) => frame)
  return {
    deliveries,
    hidden: joined(frames.map(frame => decodeActivations(frame.hidden, frame.scales, frame.hiddenSize, frame.dtype)), Float32Array),
    topkIds: joined(frames.map(frame => frame.topkIds), Uint16Array),
    topkWeights: joined(frames.map(frame => frame.topkWeights), Float32Array)
  }
}

/** Answers in the order of `batch.deliveries`; `partials` are [numTokens, hiddenSize] of the batch, one per node. */
export function splitAnswers (batch: FfnBatch, nodes: readonly number[], partials: readonly Float32Array[], computeUs: number): F2aFrame[] {
  let firstRow = 0
  return batch.deliveries.map(({ frame }) => {
    const { epoch, workerNumber, frameId, layerIdx, ubatchIdx, numTokens, hiddenSize } = frame
    const start = firstRow * hiddenSize
    firstRow += numTokens
    const own = joined(partials.map(partial => partial.subarray(start, start + numTokens * hiddenSize)), Float32Array)
    return {
      kind: 'f2a',
      epoch,
      workerNumber,
      frameId,
      layerIdx,
      ubatchIdx,
      numTokens,
      hiddenSize,
      dtype: 'f32',
      partials: new Uint8Array(own.buffer, own.byteOffset, own.byteLength),
      nodes: Uint8Array.from(nodes),
      computeUs
    }
  })
}

interface NumberArray extends ArrayLike<number> {
  set (values: ArrayLike<number>, offset: number): void
}

/** One part as it is, several end to end. */
function joined<T extends NumberArray> (parts: readonly T[], ArrayType: new (length: number) => T): T {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  const whole = new ArrayType(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
