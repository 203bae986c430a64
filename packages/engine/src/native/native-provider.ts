// Owns the native backend's entry in the factory: whether it can be used here, and why not.
import type { BackendProbe, EngineProvider } from '../provider.js'
import type { NativeAddon } from './addon-boundary.js'
import { loadAddon } from './load-addon.js'
import { createNativeAttentionEngine } from './native-attention-engine.js'
import { createNativeFfnEngine } from './native-ffn-engine.js'

export const nativeProvider: EngineProvider = {
  backend: 'cpu',
  kvDtypes: ['f16', 'bf16', 'f32', 'fp8'],
  probe,
  async createAttentionEngine (options, context) {
    return await createNativeAttentionEngine(requireAddon(), options, context.reason)
  },
  async createFfnEngine (options, context) {
    const colocated = context.sharedConnectors !== undefined
    return createNativeFfnEngine(requireAddon(), colocated ? { ...options, connector: 'loopback' } : options, context.reason)
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
