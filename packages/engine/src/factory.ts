// Owns the choice of a backend and the construction of engines. Every implementation is one entry of `providers`.
import { makeError, NUM_VIRTUAL_SHARDS } from '@tandem/core'
import type { FfnSplit } from '@tandem/core'
import { createLoopbackConnector } from '@tandem/connector'
import { engineErrors } from './errors.js'
import { nativeProvider } from './native/native-provider.js'
import { referenceProvider } from './pipeline/reference-provider.js'
import type { EngineProvider } from './provider.js'
import type {
  AttentionEngine, AttentionEngineOptions, BackendKind, BackendRefusal, ComputeDtype, FfnEngine, FfnEngineOptions, KvDtype,
  PlacementRequest, ProcessPlacement
} from './types.js'

/** In the order 'auto' tries them. */
const providers: readonly EngineProvider[] = [nativeProvider, referenceProvider]

export interface ResolvedBackend {
  readonly backend: BackendKind
  /** Why this one: "addon built, AVX-512 VNNI", or why the better ones cannot be used. */
  readonly reason: string
  /** What `kvDtype: 'auto'` means; an engine that computes in bf16 may take bf16 instead of f16, which is as large. */
  readonly kvDtype: KvDtype
}

/** Which backend an option's value means on this machine, for a model that the `refused` ones cannot run. Throws `backend_unavailable`. */
export function resolveBackend (backend: BackendKind | 'auto', refused: readonly BackendRefusal[] = []): ResolvedBackend {
  const { provider, reason } = choose(backend, providers, refused)
  return { backend: provider.backend, reason, kvDtype: provider.kvDtypes[0] }
}

/** What all engines of this process compute in; before the first is made. Throws `compute_dtype_unavailable`. */
export function chooseComputeDtype (backend: BackendKind | 'auto', computeDtype: ComputeDtype | 'auto', from = providers): void {
  if (computeDtype === 'auto') return
  const { provider } = choose(backend, from)
  if (provider.setComputeDtype?.(computeDtype) === true) return
  const reason = provider.setComputeDtype === undefined ? 'it does not round activations' : 'that takes a CPU with AMX, and a compiler that knows it'
  throw makeError(engineErrors, 'compute_dtype_unavailable', { backend: provider.backend, computeDtype, reason })
}

/** What a backend's engines in this process compute in; undefined where activations are not rounded. Others in it are other bits. */
export function computeDtypeOf (backend: BackendKind): ComputeDtype | undefined {
  return providers.find(provider => provider.backend === backend)?.computeDtype?.()
}

/** Moves this process to its NUMA nodes, before its engines are made; null where the backend has no threads to place. */
export function placeProcess (backend: BackendKind | 'auto', request: PlacementRequest): ProcessPlacement | null {
  return placeBy(choose(backend, providers).provider, request)
}

/** Throws `numa_node_unavailable`. */
export function placeBy (provider: EngineProvider, request: PlacementRequest): ProcessPlacement | null {
  if (provider.placeProcess === undefined) return null
  const placement = provider.placeProcess(request)
  if (placement === null) throw makeError(engineErrors, 'numa_node_unavailable', { numaNode: String(request.numaNode) })
  return placement
}

export async function createAttentionEngine (options: AttentionEngineOptions): Promise<AttentionEngine> {
  const { provider, reason } = choose(options.backend, providers, options.refused)
  return await provider.createAttentionEngine(options, { reason })
}

export async function createFfnEngine (options: FfnEngineOptions): Promise<FfnEngine> {
  const { provider, reason } = choose(options.backend, providers)
  return await provider.createFfnEngine(options, { reason })
}

export interface ColocatedOptions {
  readonly split: FfnSplit
  readonly maxQueuedFrames: number
}

/** Both sides in one process, joined by loopback: an attention engine that needs no topology. Its weights are those of both sides. */
export async function createColocatedEngine (options: AttentionEngineOptions, colocated: ColocatedOptions): Promise<AttentionEngine> {
  const { provider, reason } = choose(options.backend, providers, options.refused)
  const context = { reason, sharedConnectors: [createLoopbackConnector()] }
  const { model, clusterToken, numThreads, pinThreads = 'auto', onProgress } = options
  const ffn = await provider.createFfnEngine({
    model,
    backend: provider.backend,
    connector: 'loopback',
    host: '127.0.0.1',
    port: 0,
    advertiseHost: '127.0.0.1',
    clusterToken,
    numThreads,
    pinThreads,
    maxQueuedFrames: colocated.maxQueuedFrames,
    ...(onProgress === undefined ? {} : { onProgress })
  }, context)
  try {
    const shards = { start: 0, end: NUM_VIRTUAL_SHARDS }
    await ffn.assign({ epoch: 1, instanceIdx: 0, rank: 0, size: 1, split: colocated.split, shards })
    const attention = await provider.createAttentionEngine(options, context)
    await attention.setTopology({
      epoch: 1,
      split: colocated.split,
      instances: [{ instanceIdx: 0, members: [{ workerId: 'colocated', shards, endpoints: ffn.endpoints }] }]
    })
    return joinEngines(attention, ffn)
  } catch (error) {
    await ffn.dispose()
    throw error
  }
}

function joinEngines (attention: AttentionEngine, ffn: FfnEngine): AttentionEngine {
  return {
    info: { ...attention.info, weightBytes: attention.info.weightBytes + ffn.info.weightBytes },
    kvCache: attention.kvCache,
    setTopology: topology => attention.setTopology(topology),
    step: plan => attention.step(plan),
    stats: () => attention.stats(),
    async dispose () {
      await attention.dispose()
      await ffn.dispose()
    }
  }
}

export function choose (
  backend: BackendKind | 'auto', from: readonly EngineProvider[], refused: readonly BackendRefusal[] = []
): { readonly provider: EngineProvider, readonly reason: string } {
  const passedOver: string[] = []
  for (const provider of from) {
    if (backend !== 'auto' && provider.backend !== backend) continue
    const refusal = refused.find(({ backend }) => backend === provider.backend)
    const { isAvailable, reason } = refusal === undefined ? provider.probe() : { isAvailable: false, reason: refusal.reason }
    if (isAvailable) return { provider, reason: [reason, ...passedOver].join('; ') }
    passedOver.push(`no ${provider.backend}: ${reason}`)
  }
  const reason = passedOver.join('; ') || 'this build does not have it'
  throw makeError(engineErrors, 'backend_unavailable', { backend, reason })
}
