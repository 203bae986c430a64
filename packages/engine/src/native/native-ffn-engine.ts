// Owns the FFN engine's face over the addon: listeners from options, typed errors, disposal. Computes nothing.
import { randomUUID } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeError } from '@tandem/core'
import type { FfnAssignment, FfnEndpoint } from '@tandem/core'
import { fingerprintBytes, requireTokenForListener, tokenDigestOf } from '@tandem/connector'
import { ffnTensorRefs } from '@tandem/model'
import type { FfnBackend } from '../backend.js'
import { engineErrors } from '../errors.js'
import type { EngineInfo, FfnEngine, FfnEngineOptions, FfnEngineStats } from '../types.js'
import type { NativeAddon, NativeFfnEngine } from './addon-boundary.js'
import { errorOfFailure, translated } from './errors.js'
import { progressOf } from './load-progress.js'
import { ffnBackendBeside } from './native-ffn-backend.js'

/** Listens on those of loopback, shm and tcp that the options allow. Throws `listen_failed`, `cluster_token_required`. */
export function createNativeFfnEngine (addon: NativeAddon, options: FfnEngineOptions, reason: string): NativeFfn {
  const { connector, model, host, port, clusterToken } = options
  const wants = (kind: 'shm' | 'tcp'): boolean => connector === 'auto' || connector === kind
  if (wants('tcp')) requireTokenForListener({ host, tokenDigest: tokenDigestOf(clusterToken) })
  const loopbackName = `loopback-${randomUUID()}`
  if (wants('shm')) removeSocketsOfTheDead(tmpdir())
  try {
    const native = addon.createFfnEngine({
      config: model.config,
      weights: model.ffn,
      numThreads: options.numThreads,
      pinThreads: options.pinThreads ?? 'auto',
      maxQueuedFrames: options.maxQueuedFrames,
      hello: {
        workerNumber: 0,
        workerId: `ffn-${process.pid}`,
        tokenDigest: tokenDigestOf(clusterToken),
        modelFingerprint: fingerprintBytes(model.fingerprint)
      },
      // A unix socket's path holds 107 bytes.
      shmPath: wants('shm') ? join(tmpdir(), `tandem-${process.pid}-${randomUUID().slice(0, 8)}.sock`) : null,
      tcpHost: wants('tcp') ? host : null,
      tcpPort: port,
      loopbackName: connector === 'loopback' ? loopbackName : null
    })
    return new NativeFfn(addon, native, options, reason, connector === 'loopback' ? loopbackName : null)
  } catch (failure) {
    throw errorOfFailure(failure)
  }
}

/** A worker that was killed leaves its control socket behind; the name tells whose it was. */
export function removeSocketsOfTheDead (directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = /^tandem-(\d+)-[0-9a-f]{8}\.sock$/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(directory, name), { force: true })
  }
}

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

export class NativeFfn implements FfnEngine {
  readonly endpoints: readonly FfnEndpoint[]
  readonly #totalBytes: number
  #weightBytes = 0
  #lastChange: Promise<unknown> = Promise.resolve()
  #disposal: Promise<void> | null = null

  constructor (
    addon: NativeAddon, private readonly native: NativeFfnEngine, private readonly options: FfnEngineOptions,
    private readonly reason: string, loopbackName: string | null
  ) {
    this.endpoints = endpointsOf(native, options.advertiseHost, addon.hostId(), loopbackName)
    this.#totalBytes = ffnTensorRefs(options.model).reduce((sum, ref) => sum + ref.byteLength, 0)
  }

  get info (): EngineInfo { return { backend: 'cpu', reason: this.reason, weightBytes: this.#weightBytes } }

  async assign ({ epoch, split, shards, size }: FfnAssignment): Promise<void> {
    this.#checkUsable()
    const progress = progressOf(this.#totalBytes / Math.max(size, 1), this.options.onProgress)
    // One after the other, and none while the engine goes away.
    const change = this.#lastChange.then(() => {
      this.#checkUsable()
      return translated(this.native.assign(epoch, split, shards.start, shards.end, progress))
    })
    this.#lastChange = change.catch(() => {})
    await change
    if (this.#disposal === null) this.#weightBytes = this.native.weightBytes()
  }

  retire (epoch: number): void {
    this.#checkUsable()
    this.native.retire(epoch)
    this.#weightBytes = this.native.weightBytes()
  }

  /** Layers over the leaves this engine is assigned, for a listener that is not native. */
  layerBackend (): FfnBackend {
    this.#checkUsable()
    return ffnBackendBeside(this.native, this.options.model)
  }

  stats (): FfnEngineStats {
    this.#checkUsable()
    return this.native.stats()
  }

  async dispose (): Promise<void> {
    this.#disposal ??= this.#lastChange.then(() => this.native.dispose())
    await this.#disposal
  }

  #checkUsable (): void {
    if (this.#disposal !== null) throw makeError(engineErrors, 'engine_disposed')
  }
}

function endpointsOf (native: NativeFfnEngine, advertiseHost: string, hostId: string, loopbackName: string | null): FfnEndpoint[] {
  const endpoints: FfnEndpoint[] = []
  if (loopbackName !== null) endpoints.push({ connector: 'loopback', address: loopbackName })
  const { shm, tcp } = native.addresses()
  if (shm !== null) endpoints.push({ connector: 'shm', address: shm, hostId })
  if (tcp !== null) {
    const port = tcp.slice(tcp.lastIndexOf(':') + 1)
    endpoints.push({ connector: 'tcp', address: advertiseHost.includes(':') ? `[${advertiseHost}]:${port}` : `${advertiseHost}:${port}` })
  }
  return endpoints
}
