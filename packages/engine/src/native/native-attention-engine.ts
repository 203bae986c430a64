// Owns the attention engine's face over the addon: options to plain data, typed errors, disposal. Computes nothing.
import { makeError } from '@tandem/core'
import type { FfnTopology } from '@tandem/core'
import { fingerprintBytes, frameDtypes, tokenDigestOf } from '@tandem/connector'
import { attentionTensorRefs } from '@tandem/model'
import { engineErrors } from '../errors.js'
import type {
  AttentionEngine, AttentionEngineOptions, AttentionEngineStats, EngineInfo, KvCacheInfo, StepPlan, StepResult
} from '../types.js'
import type { NativeAddon, NativeAttentionEngine, NativeAttentionOptions } from './addon-boundary.js'
import { translated, translatedCall } from './errors.js'
import { reachableTopology } from './endpoints.js'
import { progressOf } from './load-progress.js'
import { kvDtypeIndex, kvDtypeOf } from './native-attention-backend.js'

/** Loads the attention side's weights. Throws `tensor_unsupported`, `model_unsupported`, `kv_pool_too_large`, `kv_dtype_unsupported`. */
export async function createNativeAttentionEngine (
  addon: NativeAddon, options: AttentionEngineOptions, reason: string
): Promise<AttentionEngine> {
  const { onProgress, onPeerDown, kvBlocks, blockSize } = options
  const kvDtype = kvDtypeOf(options.kvDtype, addon, options.model)
  const totalBytes = attentionTensorRefs(options.model).reduce((sum, ref) => sum + ref.byteLength, 0)
  const native = await translated(addon.createAttentionEngine(
    nativeOptions(options, kvDtypeIndex(kvDtype)), onPeerDown, progressOf(totalBytes, onProgress)
  ))
  const { weightBytes, kvCacheBytes } = native.info()
  return new NativeAttention(
    addon, native, options,
    { backend: 'cpu', reason, weightBytes },
    { numBlocks: kvBlocks, blockSize, dtype: kvDtype, bytes: kvCacheBytes }
  )
}

function nativeOptions (options: AttentionEngineOptions, kvDtype: number): NativeAttentionOptions {
  const { model, kvBlocks, blockSize, maxModelLen, activationDtype, ffnTimeoutMs, numThreads, workerNumber, clusterToken } = options
  return {
    config: model.config,
    weights: model.attention,
    kvBlocks,
    blockSize,
    kvDtype,
    maxModelLen,
    activationDtype: frameDtypes[activationDtype],
    ffnTimeoutMs,
    numThreads,
    pinThreads: options.pinThreads ?? 'auto',
    hello: {
      workerNumber,
      workerId: `attention-${workerNumber}`,
      tokenDigest: tokenDigestOf(clusterToken),
      modelFingerprint: fingerprintBytes(model.fingerprint)
    }
  }
}

class NativeAttention implements AttentionEngine {
  #disposal: Promise<void> | null = null
  /** Topologies being connected: the native engine must outlive them. */
  readonly #connecting = new Set<Promise<unknown>>()

  constructor (
    private readonly addon: NativeAddon, private readonly native: NativeAttentionEngine, private readonly options: AttentionEngineOptions,
    readonly info: EngineInfo, readonly kvCache: KvCacheInfo
  ) {}

  async setTopology (topology: FfnTopology): Promise<void> {
    this.#checkUsable()
    const connecting = translated(this.native.setTopology(reachableTopology(topology, this.options.connector, this.addon.hostId())))
    this.#connecting.add(connecting)
    try {
      await connecting
    } finally {
      this.#connecting.delete(connecting)
    }
  }

  async step (plan: StepPlan): Promise<StepResult> {
    this.#checkUsable()
    const running = translatedCall(() => this.native.step(plan))
    if (running === null) throw makeError(engineErrors, 'step_queue_full')
    return await translated(running)
  }

  stats (): AttentionEngineStats {
    this.#checkUsable()
    return this.native.stats()
  }

  async dispose (): Promise<void> {
    this.#disposal ??= Promise.allSettled(this.#connecting).then(() => this.native.dispose())
    await this.#disposal
  }

  #checkUsable (): void {
    if (this.#disposal !== null) throw makeError(engineErrors, 'engine_disposed')
  }
}
