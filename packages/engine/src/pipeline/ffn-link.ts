// Owns the connection to one FFN worker: which endpoint, dialling, redialling. A link that is down keeps trying
// until it is closed; whether the worker still belongs to the topology is not its business.
import { isTandemError, makeError } from '@tandem/core'
import type { Clock, FfnEndpoint, TandemError } from '@tandem/core'
import type { ConnectOptions, Connector, FfnChannel } from '@tandem/connector'
import { engineErrors } from '../errors.js'

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 2_000

export interface FfnLinkOptions {
  readonly workerId: string
  readonly endpoints: readonly FfnEndpoint[]
  /** Best first. */
  readonly connectors: readonly Connector[]
  readonly connectOptions: ConnectOptions
  readonly clock: Clock
  readonly onUp: () => void
  /** Called when the channel breaks, and when an attempt fails that `connect` asked for; not for retries. */
  readonly onDown: (reason: string) => void
}

export class FfnLink {
  #channel: FfnChannel | null = null
  /** The dial under way; null when connected and between two attempts. */
  #attempt: Promise<void> | null = null
  #isClosed = false
  #cancelRetry: () => void = () => {}

  constructor (private readonly options: FfnLinkOptions) {}

  get workerId (): string { return this.options.workerId }
  /** null while the worker cannot be reached. */
  get channel (): FfnChannel | null { return this.#channel }

  reaches (endpoints: readonly FfnEndpoint[]): boolean {
    const own = this.options.endpoints
    return own.length === endpoints.length && own.every((endpoint, i) => {
      return endpoint.connector === endpoints[i]?.connector && endpoint.address === endpoints[i].address
    })
  }

  close (): void {
    this.#isClosed = true
    this.#cancelRetry()
    const channel = this.#channel
    this.#channel = null
    channel?.close().catch(() => {})
  }

  /** Resolves when connected; dials now if nobody does. Rejects when that attempt fails, and goes on trying. */
  connect (): Promise<void> {
    if (this.#channel !== null) return Promise.resolve()
    this.#cancelRetry()
    this.#attempt ??= this.#open(FIRST_RETRY_MS, true)
    return this.#attempt
  }

  async #open (retryMs: number, isReported: boolean): Promise<void> {
    try {
      const channel = await this.#dial()
      if (this.#isClosed) { await channel.close(); return }
      this.#channel = channel
      channel.onClose(reason => { this.#lost(channel, reason) })
      this.options.onUp()
    } catch (error) {
      if (this.#isClosed) return
      this.#retryAfter(retryMs)
      if (isReported) this.options.onDown(error instanceof Error ? error.message : String(error))
      throw error
    } finally {
      this.#attempt = null
    }
  }

  #lost (channel: FfnChannel, reason: string): void {
    if (this.#isClosed || this.#channel !== channel) return
    this.#channel = null
    this.options.onDown(reason)
    this.#retryAfter(FIRST_RETRY_MS)
  }

  #retryAfter (ms: number): void {
    this.#cancelRetry = this.options.clock.after(ms, () => {
      this.#attempt = this.#open(Math.min(ms * 2, LAST_RETRY_MS), false)
      this.#attempt.catch(() => {}) // The next attempt is already planned.
    })
  }

  /** Tries every endpoint both sides understand, by this side's preference. */
  async #dial (): Promise<FfnChannel> {
    let lastError: unknown = this.#noCommonConnector()
    for (const connector of this.options.connectors) {
      for (const endpoint of this.options.endpoints) {
        if (endpoint.connector !== connector.kind) continue
        try {
          return await connector.connect(endpoint, this.options.connectOptions)
        } catch (error) {
          if (!isTandemError(error)) throw error
          lastError = error
        }
      }
    }
    throw lastError
  }

  #noCommonConnector (): TandemError {
    const { workerId, endpoints, connectors } = this.options
    return makeError(engineErrors, 'no_common_connector', {
      workerId,
      offered: endpoints.map(endpoint => endpoint.connector).join(', ') || 'nothing',
      spoken: connectors.map(connector => connector.kind).join(', ')
    })
  }
}
