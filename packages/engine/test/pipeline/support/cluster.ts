// A cluster in one process: one attention engine and any FFN engines, over the connectors given, and a scheduler
// small enough to read: prefill in chunks, then one token per step.
import { greedySampling, shardRangeOf, systemClock } from '@tandem/core'
import type { ActivationDtype, Clock, FfnInstance, FfnSplit, FfnTopology, SamplingParams } from '@tandem/core'
import { createLoopbackConnector, MAX_FRAME_BYTES, tokenDigestOf } from '@tandem/connector'
import type { Connector } from '@tandem/connector'
import { PipelinedAttentionEngine } from '../../../src/pipeline/attention-engine.js'
import { PipelinedFfnEngine } from '../../../src/pipeline/ffn-engine.js'
import type { AttentionEngine, FfnEngine, NewSequence, SampledToken, ScheduledSequence, StepPlan } from '../../../src/types.js'
import { blockSize, fakeConfig, FakeAttentionBackend, FakeFfnBackend } from './fake-model.js'

export const modelFingerprint = new Uint8Array(32).fill(7)
const numBlocks = 128

export interface FakeAttention {
  readonly engine: PipelinedAttentionEngine
  readonly backend: FakeAttentionBackend
  /** `workerId: reason` of every onPeerDown. */
  readonly peersDown: string[]
}

export interface AttentionSettings {
  readonly connectors: readonly Connector[]
  readonly workerNumber?: number
  readonly activationDtype?: ActivationDtype
  readonly ffnTimeoutMs?: number
  readonly clock?: Clock
  readonly backend?: FakeAttentionBackend
  readonly maxModelLen?: number
}

export function startAttention (settings: AttentionSettings): FakeAttention {
  const backend = settings.backend ?? new FakeAttentionBackend(numBlocks)
  const peersDown: string[] = []
  const engine = new PipelinedAttentionEngine({
    backend,
    info: { backend: 'reference', reason: 'fake', weightBytes: backend.weightBytes },
    kvCache: { numBlocks, blockSize, dtype: 'f32', bytes: backend.kvCacheBytes },
    numLayers: fakeConfig.numLayers,
    hiddenSize: fakeConfig.hiddenSize,
    vocabSize: fakeConfig.vocabSize,
    maxModelLen: settings.maxModelLen ?? fakeConfig.maxModelLen,
    activationDtype: settings.activationDtype ?? 'f32',
    ffnTimeoutMs: settings.ffnTimeoutMs ?? 20_000,
    hello: { kind: 'hello', workerNumber: settings.workerNumber ?? 1, workerId: 'a', tokenDigest: tokenDigestOf('secret'), modelFingerprint },
    connectors: settings.connectors,
    onPeerDown: (workerId, reason) => { peersDown.push(`${workerId}: ${reason}`) },
    clock: settings.clock ?? systemClock
  })
  return { engine, backend, peersDown }
}

export interface FakeFfn {
  readonly workerId: string
  readonly engine: PipelinedFfnEngine
  readonly backend: FakeFfnBackend
  readonly fatal: unknown[]
}

export async function startFfn (workerId: string, connector: Connector, maxQueuedFrames = 64): Promise<FakeFfn> {
  const backend = new FakeFfnBackend()
  const fatal: unknown[] = []
  const listener = await connector.listen({
    tokenDigest: tokenDigestOf('secret'),
    modelFingerprint,
    workerId,
    host: '127.0.0.1',
    port: 0,
    advertiseHost: '127.0.0.1',
    maxQueuedFrames,
    maxFrameBytes: MAX_FRAME_BYTES
  })
  const engine = new PipelinedFfnEngine({
    config: fakeConfig,
    backend,
    backendKind: 'reference',
    reason: 'fake',
    listeners: [listener],
    onFatal: error => { fatal.push(error) },
    clock: systemClock
  })
  return { workerId, engine, backend, fatal }
}

/** Assigns the workers as one instance and returns it. */
export async function formInstance (
  epoch: number, instanceIdx: number, split: FfnSplit, workers: ReadonlyArray<{ workerId: string, engine: FfnEngine }>
): Promise<FfnInstance> {
  const members = await Promise.all(workers.map(async ({ workerId, engine }, rank) => {
    const shards = shardRangeOf(rank, workers.length)
    await engine.assign({ epoch, instanceIdx, rank, size: workers.length, split, shards })
    return { workerId, shards, endpoints: engine.endpoints }
  }))
  return { instanceIdx, members }
}

export async function singleInstance (
  epoch: number, split: FfnSplit, workers: ReadonlyArray<{ workerId: string, engine: FfnEngine }>
): Promise<FfnTopology> {
  return { epoch, split, instances: [await formInstance(epoch, 0, split, workers)] }
}

/** 1A, `numFfn` F over loopback. */
export async function startCluster (numFfn: number, split: FfnSplit = 'ep', settings: Partial<AttentionSettings> = {}) {
  const connector = createLoopbackConnector()
  const attention = startAttention({ connectors: [connector], ...settings })
  const ffn = await Promise.all(Array.from({ length: numFfn }, (_, i) => startFfn(`f${i}`, connector)))
  await attention.engine.setTopology(await singleInstance(1, split, ffn))
  return {
    ...attention,
    ffn,
    connector,
    async close () {
      await attention.engine.dispose()
      await Promise.all(ffn.map(({ engine }) => engine.dispose()))
    }
  }
}

export function newSequence (seqId: number, tokenIds: readonly number[], maxTokens: number, sampling: Partial<SamplingParams> = {}): NewSequence {
  return { seqId, tokenIds, numPromptTokens: tokenIds.length, maxTokens, sampling: { ...greedySampling, ...sampling } }
}

/** Deterministic prompts of mixed lengths. */
export function prompts (count: number): number[][] {
  return Array.from({ length: count }, (_, s) => Array.from({ length: 3 + (s * 5) % 9 }, (_, i) => (s * 11 + i * 7 + 1) % 48))
}

interface Running {
  readonly created: NewSequence
  numComputed: number
  numTokens: number
  isDone: boolean
  isNew: boolean
  numBlocks: number
}

/** Plans for `sequences` until all have ended; blocks are dealt out without reuse, interleaved between sequences. */
export class TestScheduler {
  readonly outputs = new Map<number, number[]>()
  readonly events: SampledToken[] = []
  readonly #running: Running[]
  #nextBlock = 0
  #stepId = 0

  constructor (sequences: readonly NewSequence[], private readonly numUbatches: number, private readonly chunk = 1000) {
    this.#running = sequences.map(created => {
      return { created, numComputed: 0, numTokens: created.tokenIds.length, isDone: false, isNew: true, numBlocks: 0 }
    })
    for (const { seqId } of sequences) this.outputs.set(seqId, [])
  }

  get isDone (): boolean { return this.#running.every(running => running.isDone) }

  next (): StepPlan {
    const active = this.#running.filter(running => !running.isDone)
    const newSequences = active.filter(({ isNew }) => isNew).map(({ created }) => created)
    const scheduled = active.map((running, i) => this.#line(running, i % this.numUbatches))
    return { stepId: ++this.#stepId, removedSeqIds: [], newSequences, scheduled, ffnInstanceOfUbatch: [] }
  }

  #line (running: Running, ubatchIdx: number): ScheduledSequence {
    const { created: { seqId }, numComputed: numComputedTokens } = running
    const numScheduledTokens = Math.min(this.chunk, running.numTokens - numComputedTokens)
    const newBlockIds: number[] = []
    for (; running.numBlocks * blockSize < numComputedTokens + numScheduledTokens; running.numBlocks++) newBlockIds.push(this.#nextBlock++)
    running.isNew = false
    running.numComputed += numScheduledTokens
    return { seqId, numComputedTokens, numScheduledTokens, ubatchIdx, newBlockIds }
  }

  record (sampled: readonly SampledToken[]): void {
    this.events.push(...sampled)
    for (const { seqId, tokenId, finishReason } of sampled) {
      this.outputs.get(seqId)!.push(tokenId)
      const running = this.#running.find(({ created }) => created.seqId === seqId)!
      running.numTokens++
      running.isDone = finishReason !== undefined
    }
  }
}

/** Output tokens by seqId. */
export async function generate (
  engine: Pick<AttentionEngine, 'step'>, sequences: readonly NewSequence[], numUbatches = 1, chunk = 1000
): Promise<Map<number, number[]>> {
  const scheduler = new TestScheduler(sequences, numUbatches, chunk)
  while (!scheduler.isDone) scheduler.record((await engine.step(scheduler.next())).sampled)
  return scheduler.outputs
}
