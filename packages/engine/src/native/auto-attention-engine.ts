// Owns the automatic choice of an attention engine: native (shm, tcp), or the pipelined one over native layers when only the connectors
// written in TypeScript reach the FFN workers. It is made at a topology, before the first step: afterwards sequences and KV cache
// belong to one engine. Computes nothing.
import { isTandemError, makeError } from '@tandem/core'
import type { FfnTopology } from '@tandem/core'
import { engineErrors } from '../errors.js'
import type { AttentionEngine, AttentionEngineStats, EngineInfo, KvCacheInfo, StepPlan, StepResult } from '../types.js'

const noStats: AttentionEngineStats = { numSequences: 0, numSteps: 0, framesSent: 0, framesResent: 0, bytesSent: 0, bytesReceived: 0 }

export class AutoAttentionEngine implements AttentionEngine {
  #engine: AttentionEngine
  /** Under way, or failed for good; null otherwise. */
  #replacement: Promise<void> | null = null
  #isDecided = false
  #isDisposed = false

  /** `createPipelined` is called at most once, after `native` has freed its weights and KV cache. */
  constructor (native: AttentionEngine, private readonly createPipelined: () => Promise<AttentionEngine>) {
    this.#engine = native
  }

  get info (): EngineInfo { return this.#engine.info }
  get kvCache (): KvCacheInfo { return this.#engine.kvCache }

  async setTopology (topology: FfnTopology): Promise<void> {
    await this.#replacement
    this.#checkUsable()
    const tried = this.#engine
    try {
      await tried.setTopology(topology)
    } catch (error) {
      if (!isTandemError(error) || error.code !== 'no_common_connector' || !offersTypeScript(topology)) throw error
      // Another topology may have had it replaced while this one was tried.
      if (this.#replacement === null && this.#engine === tried) {
        if (this.#isDecided || this.#isDisposed) throw error
        this.#replacement = this.#replace()
      }
      await this.#replacement
      this.#checkUsable()
      await this.#engine.setTopology(topology)
    }
  }

  async step (plan: StepPlan): Promise<StepResult> {
    this.#isDecided = true
    if (this.#replacement !== null) await this.#replacement
    this.#checkUsable()
    return await this.#engine.step(plan)
  }

  stats (): AttentionEngineStats { return this.#replacement === null ? this.#engine.stats() : noStats }

  async dispose (): Promise<void> {
    this.#isDisposed = true
    await this.#replacement?.catch(() => {})
    await this.#engine.dispose()
  }

  #checkUsable (): void {
    if (this.#isDisposed) throw makeError(engineErrors, 'engine_disposed')
  }

  async #replace (): Promise<void> {
    this.#isDecided = true
    await this.#engine.dispose()
    this.#engine = await this.createPipelined()
    this.#replacement = null
  }
}

/** Whether every member can be reached by a connector written in TypeScript. */
function offersTypeScript (topology: FfnTopology): boolean {
  return topology.instances.every(instance => instance.members.every(member => {
    return member.endpoints.some(({ connector }) => connector === 'tcp' || connector === 'grpc')
  }))
}
