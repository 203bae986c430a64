// Owns the connector inside one process: frames are handed over by reference, with the checks of the wire.
// Connect and listen on the same instance; addresses are names in it.
import type { FfnEndpoint } from '@tandem/core'
import { isTandemError, makeError } from '@tandem/core'
import { openChannel } from './channel.js'
import { connectorErrors } from './errors.js'
import { checkFrame } from './frame-codec.js'
import { ListenerCore, listenerOf } from './listener.js'
import { MAX_HANDSHAKE_FRAME_BYTES } from './pipe.js'
import type { FrameHandlers, FramePipe } from './pipe.js'
import type { ConnectOptions, Connector, FfnListener, Frame, ListenOptions } from './types.js'

export function createLoopbackConnector (): Connector {
  const listeners = new Map<string, ListenerCore>()
  let numListeners = 0
  return {
    kind: 'loopback',
    async connect (endpoint: FfnEndpoint, options: ConnectOptions) {
      const core = listeners.get(endpoint.address)
      if (core === undefined) {
        throw makeError(connectorErrors, 'connect_failed', { address: endpoint.address, connector: 'loopback', reason: 'nobody listens there' })
      }
      const [near, far] = createPipePair(endpoint.address)
      core.attach(far)
      return await openChannel('loopback', near, options)
    },
    async listen (options: ListenOptions): Promise<FfnListener> {
      const address = `loopback-${++numListeners}`
      const core = new ListenerCore(options)
      listeners.set(address, core)
      return listenerOf(core, 'loopback', address, async () => { listeners.delete(address) })
    }
  }
}

function createPipePair (address: string): [LoopbackPipe, LoopbackPipe] {
  const near = new LoopbackPipe(address)
  const far = new LoopbackPipe(address)
  near.peer = far
  far.peer = near
  return [near, far]
}

class LoopbackPipe implements FramePipe {
  readonly isInsideFrame = false
  peer: LoopbackPipe | null = null
  #handlers: FrameHandlers | null = null
  #maxFrameBytes = MAX_HANDSHAKE_FRAME_BYTES
  #isClosed = false

  constructor (readonly address: string) {}

  start (handlers: FrameHandlers): void { this.#handlers = handlers }

  setMaxFrameBytes (maxFrameBytes: number): void { this.#maxFrameBytes = maxFrameBytes }

  async send (frame: Frame): Promise<void> {
    checkFrame(frame)
    if (this.#isClosed) throw makeError(connectorErrors, 'peer_down', { address: this.address, reason: 'closed' })
    queueMicrotask(() => { this.peer?.deliver(frame) })
  }

  close (): void {
    queueMicrotask(() => {
      this.end('closed by this side')
      this.peer?.end('closed by the peer')
    })
  }

  deliver (frame: Frame): void {
    if (this.#isClosed) return
    try {
      checkFrame(frame, this.#maxFrameBytes)
    } catch (error) {
      if (!isTandemError(error)) throw error
      this.#handlers?.onRefused(error)
      return
    }
    this.#handlers?.onFrame(frame)
  }

  end (reason: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#handlers?.onClosed(reason)
  }
}
