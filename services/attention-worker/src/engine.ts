// Owns how the worker's options become an engine: sizes, then one side, or both when colocated.
import { chooseComputeDtype, createAttentionEngine, createColocatedEngine, numaNodeChoiceOf, placeProcess, withBackendFallback } from '@tandem/engine'
import type { AttentionEngine, AttentionEngineOptions, BackendRefusal, ResolvedBackend } from '@tandem/engine'
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

interface Surroundings {
  readonly options: AttentionWorkerOptions
  readonly workerId: string
  readonly onPeerDown: AttentionEngineOptions['onPeerDown']
  readonly logger: Logger
}

/** An engine of the best backend that takes the model; what others have against it is logged and goes into the engine's info. */
export async function buildEngine (surroundings: Surroundings): Promise<BuiltEngine> {
  const { options, logger } = surroundings
  const model = await openModel(requireModel(options.model), options.servedModelName === '' ? {} : { name: options.servedModelName })
  return await withBackendFallback(options.backend, {
    create: (resolved, refused) => loadEngine(model, resolved, refused, surroundings),
    onRefusal: (backend, { code, message }) => { logger.warn({ backend, code, reason: message }, 'backend cannot run this model') }
  })
}

async function loadEngine (
  model: Model, { backend, reason, kvDtype }: ResolvedBackend, refused: readonly BackendRefusal[],
  { options, workerId, onPeerDown, logger }: Surroundings
): Promise<BuiltEngine> {
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
  if (options.maxModelLen > size.maxModelLen) {
    logger.warn({ asked: options.maxModelLen, maxModelLen: size.maxModelLen }, '--max-model-len is more than the model has: its own length is taken')
  }
  chooseComputeDtype(backend, options.computeDtype)
  const placement = placeProcess(backend, { numaNode: numaNodeChoiceOf(options.numaNode), numThreads: options.numThreads })
  logger.info({ model: model.name, backend, reason, placement, ...size }, 'loading weights')
  const engineOptions: AttentionEngineOptions = {
    model,
    // As asked, not as resolved: the engine reports why it was chosen, and what was passed over.
    backend: options.backend,
    refused,
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
