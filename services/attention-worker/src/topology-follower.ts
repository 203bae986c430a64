// Owns bringing the engine to the newest topology: one at a time, again until it is connected, reported once it is.
import { isTandemError } from '@tandem/core'
import type { FfnTopology } from '@tandem/core'
import type { AttentionEngine } from '@tandem/engine'
import type { Session } from '@tandem/worker'
import type { Logger } from 'pino'

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 2_000

export class TopologyFollower {
  #newest: FfnTopology | null = null
  #retryTimer: NodeJS.Timeout | undefined

  constructor (
    private readonly engine: AttentionEngine, private readonly logger: Logger, private readonly onFatal: (error: unknown) => void
  ) {}

  follow (topology: FfnTopology, session: Session): void {
    this.#newest = topology
    clearTimeout(this.#retryTimer)
    this.#connect(topology, session, FIRST_RETRY_MS).catch(this.onFatal)
  }

  close (): void {
    this.#newest = null
    clearTimeout(this.#retryTimer)
  }

  async #connect (topology: FfnTopology, session: Session, retryMs: number): Promise<void> {
    const { epoch } = topology
    try {
      await this.engine.setTopology(topology)
    } catch (error) {
      if (!isTandemError(error)) throw error
      if (this.#newest !== topology || session.isOver) return
      this.logger.warn({ epoch, reason: error.message }, 'topology not connected, trying again')
      this.#retryTimer = setTimeout(() => {
        this.#connect(topology, session, Math.min(retryMs * 2, LAST_RETRY_MS)).catch(this.onFatal)
      }, retryMs)
      return
    }
    if (this.#newest !== topology) return
    this.logger.info({ epoch, numInstances: topology.instances.length }, 'topology connected')
    session.send({ topologyReady: { epoch } })
  }
}
