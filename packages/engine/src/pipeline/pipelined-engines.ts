// Owns how a layer-level backend becomes an engine: connectors, hello, listeners and limits from the options.
import { fingerprintBytes, MAX_FRAME_BYTES, tokenDigestOf } from '@tandem/connector'
import type { AttentionBackend, FfnBackend } from '../backend.js'
import type { EngineContext } from '../provider.js'
import type { AttentionEngine, AttentionEngineOptions, BackendKind, FfnEngine, FfnEngineOptions, KvDtype } from '../types.js'
import { PipelinedAttentionEngine } from './attention-engine.js'
import { systemClock } from '@tandem/core'
import { connectorsFor, listenOnAll } from './connectors.js'
import { PipelinedFfnEngine } from './ffn-engine.js'

/** Drives `backend`; the engine owns it from now on. */
export function pipelinedAttentionEngine (
  backend: AttentionBackend, kind: BackendKind, kvDtype: KvDtype, options: AttentionEngineOptions, context: EngineContext
): AttentionEngine {
  const { config, fingerprint } = options.model
  const { kvBlocks, blockSize, workerNumber, clusterToken, maxModelLen, activationDtype, ffnTimeoutMs, onPeerDown } = options
  return new PipelinedAttentionEngine({
    backend,
    info: { backend: kind, reason: context.reason, weightBytes: backend.weightBytes },
    kvCache: { numBlocks: kvBlocks, blockSize, dtype: kvDtype, bytes: backend.kvCacheBytes },
    numLayers: config.numLayers,
    hiddenSize: config.hiddenSize,
    vocabSize: config.vocabSize,
    maxModelLen,
    activationDtype,
    ffnTimeoutMs,
    onPeerDown,
    hello: {
      kind: 'hello',
      workerNumber,
      workerId: `attention-${workerNumber}`,
      tokenDigest: tokenDigestOf(clusterToken),
      modelFingerprint: fingerprintBytes(fingerprint)
    },
    connectors: context.sharedConnectors ?? connectorsFor(options.connector, kind, clusterToken),
    clock: systemClock
  })
}

/** Drives `backend` over listeners of every connector the options allow. */
export async function pipelinedFfnEngine (
  backend: FfnBackend, kind: BackendKind, options: FfnEngineOptions, context: EngineContext
): Promise<FfnEngine> {
  const { model, clusterToken, host, port, advertiseHost, maxQueuedFrames, onProgress, onFatal } = options
  const listeners = await listenOnAll(context.sharedConnectors ?? connectorsFor(options.connector, kind, clusterToken), {
    tokenDigest: tokenDigestOf(clusterToken),
    modelFingerprint: fingerprintBytes(model.fingerprint),
    workerId: `ffn-${process.pid}`,
    host,
    port,
    advertiseHost,
    maxQueuedFrames,
    maxFrameBytes: MAX_FRAME_BYTES
  })
  return new PipelinedFfnEngine({
    config: model.config,
    backend,
    backendKind: kind,
    reason: context.reason,
    listeners,
    onFatal: onFatal ?? crash,
    clock: systemClock,
    ...(onProgress === undefined ? {} : { onProgress })
  })
}

/** Nobody listens for the end of the engine: the process must not go on without it. */
function crash (error: unknown): void {
  queueMicrotask(() => { throw error })
}
