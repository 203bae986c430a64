// A connector whose peers the test switches on and off.
import { makeError } from '@tandem/core'
import { connectorErrors } from '@tandem/connector'
import type { Connector, F2aFrame, FfnChannel } from '@tandem/connector'

class FakeChannel implements FfnChannel {
  readonly kind = 'tcp'
  isClosed = false
  readonly #listeners: Array<(reason: string) => void> = []

  async sendAttnOutput (): Promise<void> {}

  recvFfnOutput (): Promise<F2aFrame> { return new Promise(() => {}) }

  onClose (listener: (reason: string) => void): void { this.#listeners.push(listener) }

  async close (): Promise<void> { this.break('closed') }

  break (reason: string): void {
    if (this.isClosed) return
    this.isClosed = true
    for (const listener of this.#listeners) listener(reason)
  }
}

export class FakeConnector implements Connector {
  readonly kind = 'tcp'
  /** Addresses nobody answers at. */
  readonly down = new Set<string>()
  readonly #channels = new Map<string, FakeChannel[]>()

  channelsTo (address: string): readonly FakeChannel[] { return this.#channels.get(address) ?? [] }

  async connect ({ address }: { address: string }): Promise<FfnChannel> {
    if (this.down.has(address)) throw makeError(connectorErrors, 'connect_failed', { address, connector: 'tcp', reason: 'refused' })
    const channel = new FakeChannel()
    this.#channels.set(address, [...this.channelsTo(address), channel])
    return channel
  }

  async listen (): Promise<never> { throw new Error('not used') }
}
