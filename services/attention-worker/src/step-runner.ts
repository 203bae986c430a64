// Owns the step path between the stream and the engine: a plan goes in, its result goes back to the session that
// sent it. Keeps only which sequences the engine holds, to clear them when a scheduler starts afresh.
import { isTandemError } from '@tandem/core'
import type { AttentionEngine } from '@tandem/engine'
import type { StepPlan__Output } from '@tandem/protocol'
import { errorToMessage } from '@tandem/worker'
import type { Session } from '@tandem/worker'
import { planFromMessage, resultToMessage } from './convert.js'

export class StepRunner {
  readonly #seqIds = new Set<number>()
  readonly #running = new Set<Promise<void>>()

  constructor (private readonly engine: AttentionEngine, private readonly onFatal: (error: unknown) => void) {}

  run (message: StepPlan__Output, session: Session): void {
    const step = this.#run(message, session).catch(this.onFatal).finally(() => { this.#running.delete(step) })
    this.#running.add(step)
  }

  /** Waits for steps of an earlier session, then removes every sequence: the next scheduler knows none of them. */
  async reset (): Promise<void> {
    await Promise.all(this.#running)
    if (this.#seqIds.size === 0) return
    await this.engine.step({ stepId: 0, removedSeqIds: [...this.#seqIds], newSequences: [], scheduled: [], ffnInstanceOfUbatch: [] })
    this.#seqIds.clear()
  }

  async #run (message: StepPlan__Output, session: Session): Promise<void> {
    try {
      const result = await this.engine.step(planFromMessage(message))
      session.send({ stepResult: resultToMessage(result) })
      for (const seqId of message.removedSeqIds) this.#seqIds.delete(seqId)
      for (const { seqId } of message.newSequences) this.#seqIds.add(seqId)
    } catch (error) {
      if (!isTandemError(error)) throw error
      session.send({ stepResult: { stepId: message.stepId, error: errorToMessage(error) } })
    }
  }
}
