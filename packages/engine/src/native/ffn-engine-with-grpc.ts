// Owns a native FFN engine that gRPC-only peers reach too: a pipelined engine listens for them beside it and computes over the
// same leaves, so weights stand in memory once. Computes nothing itself.
import type { FfnAssignment, FfnEndpoint } from '@tandem/core'
import type { EngineInfo, FfnEngine, FfnEngineStats } from '../types.js'

export class FfnEngineWithGrpc implements FfnEngine {
  /** `grpc` shares the leaves of `native`: it is always told second. */
  constructor (private readonly native: FfnEngine, private readonly grpc: FfnEngine) {}

  get info (): EngineInfo { return this.native.info }
  get endpoints (): readonly FfnEndpoint[] { return [...this.native.endpoints, ...this.grpc.endpoints] }

  async assign (assignment: FfnAssignment): Promise<void> {
    await this.native.assign(assignment)
    await this.grpc.assign(assignment)
  }

  retire (epoch: number): void {
    this.native.retire(epoch)
    this.grpc.retire(epoch)
  }

  stats (): FfnEngineStats {
    const native = this.native.stats()
    const grpc = this.grpc.stats()
    const refused: Record<string, number> = { ...native.refused }
    for (const [status, count] of Object.entries(grpc.refused)) refused[status] = (refused[status] ?? 0) + count
    return {
      numFrames: native.numFrames + grpc.numFrames,
      numBatches: native.numBatches + grpc.numBatches,
      numTokens: native.numTokens + grpc.numTokens,
      refused,
      computeUs: native.computeUs + grpc.computeUs,
      // Of the native loop: this process idles when nobody, of either kind, asks for anything.
      idleUs: Math.max(native.idleUs - grpc.computeUs, 0),
      queueLength: native.queueLength + grpc.queueLength
    }
  }

  async dispose (): Promise<void> {
    await this.grpc.dispose()
    await this.native.dispose()
  }
}
