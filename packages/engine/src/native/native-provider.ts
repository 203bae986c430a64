// Owns the native backend's entry in the factory: whether it can be used here and why not, and which engine an option's connector
// needs. loopback, shm and tcp are native; gRPC is the pipelined engine's, over the same arithmetic layer by layer.
import { pipelinedAttentionEngine, pipelinedFfnEngine } from '../pipeline/pipelined-engines.js'
import type { BackendProbe, EngineContext, EngineProvider } from '../provider.js'
import type { AttentionEngine, AttentionEngineOptions, FfnEngine, FfnEngineOptions, KvDtype } from '../types.js'
import type { NativeAddon } from './addon-boundary.js'
import { AutoAttentionEngine } from './auto-attention-engine.js'
import { FfnEngineWithGrpc } from './ffn-engine-with-grpc.js'
import { loadAddon } from './load-addon.js'
import { createNativeAttentionBackend, kvDtypeOf } from './native-attention-backend.js'
import { createNativeAttentionEngine } from './native-attention-engine.js'
import { createNativeFfnBackend } from './native-ffn-backend.js'
import { createNativeFfnEngine } from './native-ffn-engine.js'

const kvDtypes = ['f16', 'bf16', 'f32', 'fp8', 'int8'] as const satisfies KvDtype[]

export const nativeProvider: EngineProvider = {
  backend: 'cpu',
  kvDtypes,
  probe,
  setComputeDtype: computeDtype => requireAddon().setComputeDtype(computeDtype),
  computeDtype: () => requireAddon().computeDtype(),
  placeProcess: ({ numaNode, numThreads }) => requireAddon().placeProcess(numaNode, numThreads),
  async createAttentionEngine (options, context) {
    const addon = requireAddon()
    if (context.sharedConnectors === undefined && options.connector === 'grpc') return await layeredAttentionEngine(addon, options, context)
    const native = await createNativeAttentionEngine(addon, options, context.reason)
    if (context.sharedConnectors !== undefined || options.connector !== 'auto') return native
    return new AutoAttentionEngine(native, () => layeredAttentionEngine(addon, options, context))
  },
  async createFfnEngine (options, context) {
    const addon = requireAddon()
    if (context.sharedConnectors !== undefined) return createNativeFfnEngine(addon, { ...options, connector: 'loopback' }, context.reason)
    if (options.connector === 'grpc') return await pipelinedFfnEngine(createNativeFfnBackend(addon, options.model, options), 'cpu', options, context)
    const native = createNativeFfnEngine(addon, options, context.reason)
    return options.connector === 'auto' ? await withGrpc(native, options, context) : native
  }
}

/** The pipelined engine over native layers. */
async function layeredAttentionEngine (addon: NativeAddon, options: AttentionEngineOptions, context: EngineContext): Promise<AttentionEngine> {
  const { model, kvBlocks, blockSize, maxModelLen, numThreads, onProgress } = options
  const kvDtype = kvDtypeOf(options.kvDtype, addon, model)
  const backend = await createNativeAttentionBackend(addon, model, {
    numBlocks: kvBlocks, blockSize, maxModelLen, kvDtype, numThreads, ...(onProgress === undefined ? {} : { onProgress })
  })
  return pipelinedAttentionEngine(backend, 'cpu', kvDtype, options, context)
}

/** A given port is tcp's; gRPC takes the next one. */
async function withGrpc (native: ReturnType<typeof createNativeFfnEngine>, options: FfnEngineOptions, context: EngineContext): Promise<FfnEngine> {
  const port = options.port === 0 ? 0 : options.port + 1
  try {
    const grpc = await pipelinedFfnEngine(native.layerBackend(), 'cpu', { ...options, connector: 'grpc', port }, context)
    return new FfnEngineWithGrpc(native, grpc)
  } catch (error) {
    await native.dispose()
    throw error
  }
}

function probe (): BackendProbe {
  const loaded = loadAddon('tandem_native')
  if (!loaded.loaded) return { isAvailable: false, reason: loaded.reason }
  const addon = loaded.addon as NativeAddon
  return { isAvailable: true, reason: `addon built, ${addon.isaName()}, ${addon.availableCores()} cores` }
}

function requireAddon (): NativeAddon {
  const loaded = loadAddon('tandem_native')
  if (!loaded.loaded) throw new Error(loaded.reason)
  return loaded.addon as NativeAddon
}
