// Owns how the worker's options become an engine: sizes, then one side, or both when colocated.
import { createAttentionEngine, createColocatedEngine, resolveBackend } from '@tandem/engine'
import type { AttentionEngine, AttentionEngineOptions } from '@tandem/engine'
import { attentionTensorRefs, ffnTensorRefs, openModel } from '@tandem/model'
import type { Model, TensorRef } from '@tandem/model'
import { logProgress, requireModel, workerNumberOf } from '@tandem/worker'
import type { Logger } from 'pino'
import { sizeKvCache } from './kv-cache-size.js'
import type { AttentionWorkerOptions } from './options.js'

/** Frames the FFN side of a colocated engine may hold: far more than ubatches. */
const COLOCATED_QUEUE = 256

export interface BuiltEngine {
  readonly engine: AttentionEngine
  readonly model: Model
  readonly maxModelLen: number
}

export async function buildEngine (
  options: AttentionWorkerOptions, workerId: string, onPeerDown: (workerId: string, reason: string) => void, logger: Logger
): Promise<BuiltEngine> {
  const model = await openModel(requireModel(options.model), options.servedModelName === '' ? {} : { name: options.servedModelName })
  const { backend, reason, kvDtype } = resolveBackend(options.backend)
  const isColocated = options.connector === 'loopback'
  const refs = isColocated ? [...attentionTensorRefs(model), ...ffnTensorRefs(model)] : attentionTensorRefs(model)
  const size = sizeKvCache({
    config: model.config,
    kvDtype: options.kvDtype === 'auto' ? kvDtype : options.kvDtype,
    blockSize: options.blockSize,
    kvCacheBytes: options.kvCacheBytes,
    maxModelLen: options.maxModelLen,
    weightBytes: totalBytes(refs),
    availableBytes: process.availableMemory()
  })
  logger.info({ model: model.name, backend, reason, ...size }, 'loading weights')
  const engineOptions: AttentionEngineOptions = {
    model,
    // As asked, not as resolved: the engine reports why it was chosen, and what was passed over.
    backend: options.backend,
    kvBlocks: size.numBlocks,
    blockSize: options.blockSize,
    kvDtype: options.kvDtype,
    maxModelLen: size.maxModelLen,
    activationDtype: options.activationDtype,
    connector: options.connector,
    clusterToken: options.clusterToken,
    ffnTimeoutMs: options.ffnTimeoutMs,
    numThreads: options.numThreads,
    pinThreads: options.pinThreads,
    workerNumber: workerNumberOf(workerId),
    onPeerDown,
    onProgress: logProgress(logger, 'loading weights')
  }
  const engine = isColocated
    ? await createColocatedEngine(engineOptions, { split: options.ffnSplit, maxQueuedFrames: COLOCATED_QUEUE })
    : await createAttentionEngine(engineOptions)
  return { engine, model, maxModelLen: size.maxModelLen }
}

/** Tied weights are one reference under two names. */
function totalBytes (refs: readonly TensorRef[]): number {
  return [...new Set(refs)].reduce((sum, ref) => sum + ref.byteLength, 0)
}
