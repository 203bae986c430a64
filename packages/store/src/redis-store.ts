// Owns the store in Redis. Leases are key expiries, so what a dead scheduler left behind goes by itself. Offline,
// every command fails at once with a typed error; the connection is retried in the background for ever.
import { isTandemError, makeError } from '@tandem/core'
import type { TandemError } from '@tandem/core'
import { Redis } from 'ioredis'
import { storeErrors } from './errors.js'
import { RedisKeys } from './redis-keys.js'
import { RedisScripts } from './redis-scripts.js'
import type { EpochResult, PlacementChange, PlacementKind, Store, WorkerRecord } from './types.js'

/** A command without an answer for this long has failed. */
const COMMAND_TIMEOUT_MS = 1000
const CONNECT_TIMEOUT_MS = 1000
const MAX_RECONNECT_DELAY_MS = 2000
/** Ids per script call: keeps Redis responsive to others. */
const MAX_IDS_PER_CALL = 2000

export interface RedisStoreOptions {
  /** redis:// or rediss:// */
  readonly url: string
  /** Prefix of all keys; clusters that share a Redis use different ones. */
  readonly namespace: string
}

export class RedisStore implements Store {
  readonly kind = 'redis'
  readonly #redis: Redis
  readonly #keys: RedisKeys
  readonly #scripts: RedisScripts
  readonly #address: string
  readonly #listeners: Array<() => void> = []
  #lastError = 'not connected yet'

  /** Throws `store_url_invalid`. Connects in the background; `isReachable` tells when it has. */
  constructor ({ url, namespace }: RedisStoreOptions) {
    this.#address = addressOf(url)
    this.#redis = new Redis(url, {
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: attempt => Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS)
    })
    this.#keys = new RedisKeys(namespace)
    this.#scripts = new RedisScripts(this.#redis)
    this.#redis.on('error', (error: Error) => { this.#lastError = error.message })
    this.#redis.on('ready', () => { for (const listener of this.#listeners) listener() })
  }

  get isReachable (): boolean { return this.#redis.status === 'ready' }

  onReachable (listener: () => void): void { this.#listeners.push(listener) }

  async registerWorker (record: WorkerRecord, leaseMs: number): Promise<void> {
    const { workerId } = record
    await this.#run('register-worker',
      [this.#keys.workers(), ...this.#keysOf(workerId)], [workerId, JSON.stringify(record), Math.ceil(leaseMs)])
  }

  async renewWorker (workerId: string, leaseMs: number): Promise<boolean> {
    return await this.#run('renew-worker', this.#keysOf(workerId), [Math.ceil(leaseMs)]) === 1
  }

  async removeWorker (workerId: string): Promise<void> {
    await this.#run('remove-worker', [this.#keys.workers(), ...this.#keysOf(workerId)], [workerId])
  }

  async listWorkers (): Promise<WorkerRecord[]> {
    return await this.#guard(async () => {
      const workerIds = (await this.#redis.smembers(this.#keys.workers())).sort()
      if (workerIds.length === 0) return []
      const texts = await this.#redis.mget(workerIds.map(workerId => this.#keys.worker(workerId)))
      const expired = workerIds.filter((_, index) => texts[index] === null)
      if (expired.length > 0) {
        const keys = expired.map(workerId => this.#keys.worker(workerId))
        await this.#scripts.run('prune-workers', [this.#keys.workers(), ...keys], expired)
      }
      return workerIds.flatMap((workerId, index) => {
        const text = texts[index]
        return typeof text === 'string' ? [parseRecord(this.#keys.worker(workerId), text)] : []
      })
    })
  }

  async updatePlacement (kind: PlacementKind, workerId: string, { added, removed }: PlacementChange): Promise<boolean> {
    const keys = [this.#keys.worker(workerId), this.#keys.placement(kind, workerId)]
    let start = 0
    do {
      // Removals first, in chunks over both lists laid end to end.
      const end = start + MAX_IDS_PER_CALL
      const removedNow = removed.slice(start, end)
      const addedNow = added.slice(Math.max(0, start - removed.length), Math.max(0, end - removed.length))
      const result = await this.#run('update-placement', keys, [removedNow.length, ...removedNow, ...addedNow])
      if (result !== 1) return false
      start = end
    } while (start < removed.length + added.length)
    return true
  }

  async locate (kind: PlacementKind, ids: readonly string[]): Promise<string[][]> {
    if (ids.length === 0) return []
    const workerIds = (await this.listWorkers()).map(({ workerId }) => workerId)
    return await this.#guard(async () => {
      const found = await Promise.all(workerIds.map(workerId => this.#redis.smismember(this.#keys.placement(kind, workerId), ...ids)))
      return ids.map((_, index) => workerIds.filter((_workerId, workerIdx) => found[workerIdx]![index] === 1))
    })
  }

  async getEpoch (): Promise<number> {
    return await this.#guard(async () => Number(await this.#redis.get(this.#keys.epoch()) ?? 0))
  }

  async advanceEpoch (expected: number, next: number): Promise<EpochResult> {
    const [advanced, epoch] = await this.#run('advance-epoch', [this.#keys.epoch()], [expected, next]) as [number, number]
    return { advanced: advanced === 1, epoch }
  }

  async close (): Promise<void> { this.#redis.disconnect() }

  #keysOf (workerId: string): string[] {
    return [this.#keys.worker(workerId), this.#keys.placement('block', workerId), this.#keys.placement('sequence', workerId)]
  }

  #run (...call: Parameters<RedisScripts['run']>): Promise<unknown> {
    return this.#guard(() => this.#scripts.run(...call))
  }

  /** Turns every failure into the one typed error of this package. */
  async #guard<T> (command: () => Promise<T>): Promise<T> {
    if (!this.isReachable) throw this.#unreachable(this.#lastError)
    try {
      return await command()
    } catch (error) {
      throw isTandemError(error) ? error : this.#unreachable(error instanceof Error ? error.message : String(error), error)
    }
  }

  #unreachable (reason: string, cause?: unknown): TandemError {
    return makeError(storeErrors, 'store_unreachable', { address: this.#address, reason }, { cause })
  }
}

function parseRecord (key: string, text: string): WorkerRecord {
  let record: unknown
  try {
    record = JSON.parse(text)
  } catch (cause) {
    throw makeError(storeErrors, 'store_record_invalid', { key }, { cause })
  }
  if (!isWorkerRecord(record)) throw makeError(storeErrors, 'store_record_invalid', { key })
  return record
}

function isWorkerRecord (value: unknown): value is WorkerRecord {
  if (typeof value !== 'object' || value === null) return false
  const { workerId, role } = value as Partial<Record<keyof WorkerRecord, unknown>>
  return typeof workerId === 'string' && (role === 'attention' || role === 'ffn')
}

/** host:port for messages; never the password. */
function addressOf (url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || !['redis:', 'rediss:'].includes(parsed.protocol) || parsed.hostname === '') {
    throw makeError(storeErrors, 'store_url_invalid', { url: url.replace(/\/\/[^@/]*@/, '//***@') })
  }
  return `${parsed.hostname}:${parsed.port || '6379'}`
}
