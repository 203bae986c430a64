// Native and reference engines joined in one process, and a scheduler small enough to read. Test support.
import { greedySampling, shardRangeOf } from '@tandem/core'
import type { ConnectorKind, FfnInstance, FfnSplit, FfnTopology, SamplingParams } from '@tandem/core'
import { createAttentionEngine, createFfnEngine } from '@tandem/engine'
import type {
  AttentionEngine, AttentionEngineOptions, BackendKind, ComputeDtype, FfnEngine, FfnEngineOptions, NewSequence, PromptLogprobs, SampledToken
} from '@tandem/engine'
import type { Model } from '@tandem/model'
import { loadAddon } from '../../../src/native/load-addon.js'
import type { NativeAddon } from '../../../src/native/addon-boundary.js'

const loaded = loadAddon('tandem_native')
/** Why native tests are skipped here; null when they run. */
export const skipReason = loaded.loaded ? null : loaded.reason
export const addon = (loaded.loaded ? loaded.addon : null) as NativeAddon

/** What this machine's products compute in. Set for the process: a test that changes it puts int8 back. */
export const computeDtypes: readonly ComputeDtype[] = (['int8', 'bf16'] as const).filter(computeDtype => loaded.loaded && addon.setComputeDtype(computeDtype))
if (loaded.loaded) addon.setComputeDtype('int8')
if (!computeDtypes.includes('bf16')) console.log('bf16 products are not tested: this machine has no AMX')

const BLOCK_SIZE = 16
const NUM_BLOCKS = 96

export interface StartedAttention {
  readonly engine: AttentionEngine
  /** `workerId: reason` of every onPeerDown. */
  readonly peersDown: string[]
}

export async function startAttention (
  model: Model, backend: BackendKind | 'auto', connector: ConnectorKind | 'auto', settings: Partial<AttentionEngineOptions> = {}
): Promise<StartedAttention> {
  const peersDown: string[] = []
  const engine = await createAttentionEngine({
    model,
    backend,
    kvBlocks: NUM_BLOCKS,
    blockSize: BLOCK_SIZE,
    kvDtype: 'f32',
    maxModelLen: 256,
    activationDtype: 'f32',
    connector,
    clusterToken: 'secret',
    ffnTimeoutMs: 20_000,
    numThreads: 2,
    workerNumber: 1,
    onPeerDown: (workerId, reason) => { peersDown.push(`${workerId}: ${reason}`) },
    ...settings
  })
  return { engine, peersDown }
}

export async function startFfn (
  model: Model, backend: BackendKind, connector: ConnectorKind | 'auto', settings: Partial<FfnEngineOptions> = {}
): Promise<FfnEngine> {
  return await createFfnEngine({
    model,
    backend,
    connector,
    host: '127.0.0.1',
    port: 0,
    advertiseHost: '127.0.0.1',
    clusterToken: 'secret',
    numThreads: 1,
    maxQueuedFrames: 64,
    ...settings
  })
}

export async function formInstance (epoch: number, split: FfnSplit, workers: readonly FfnEngine[], instanceIdx = 0): Promise<FfnInstance> {
  const members = await Promise.all(workers.map(async (engine, rank) => {
    const shards = shardRangeOf(rank, workers.length)
    await engine.assign({ epoch, instanceIdx, rank, size: workers.length, split, shards })
    return { workerId: `f${instanceIdx}.${rank}`, shards, endpoints: engine.endpoints }
  }))
  return { instanceIdx, members }
}

export async function singleInstance (epoch: number, split: FfnSplit, workers: readonly FfnEngine[]): Promise<FfnTopology> {
  return { epoch, split, instances: [await formInstance(epoch, split, workers)] }
}

export interface ClusterSettings {
  readonly attention?: BackendKind
  readonly ffn?: BackendKind
  readonly connector?: ConnectorKind
  readonly numFfn?: number
  readonly split?: FfnSplit
  readonly options?: Partial<AttentionEngineOptions>
}

/** 1A, `numFfn` F, assigned and connected. */
export async function startCluster (model: Model, settings: ClusterSettings = {}) {
  const { attention = 'cpu', ffn = 'cpu', connector = 'loopback', numFfn = 1, split = 'tp', options = {} } = settings
  const workers = await Promise.all(Array.from({ length: numFfn }, () => startFfn(model, ffn, connector)))
  const started = await startAttention(model, attention, connector === 'loopback' ? 'auto' : connector, options)
  await started.engine.setTopology(await singleInstance(1, split, workers))
  return {
    ...started,
    workers,
    async close () {
      await started.engine.dispose()
      await Promise.all(workers.map(worker => worker.dispose()))
    }
  }
}

export function newSequence (seqId: number, tokenIds: readonly number[], maxTokens: number, sampling: Partial<SamplingParams> = {}): NewSequence {
  return { seqId, tokenIds, numPromptTokens: tokenIds.length, maxTokens, sampling: { ...greedySampling, ...sampling } }
}

/** Deterministic prompts of mixed lengths. */
export function prompts (count: number, vocabSize: number): number[][] {
  return Array.from({ length: count }, (_, s) => Array.from({ length: 3 + (s * 7) % 19 }, (_, i) => (s * 11 + i * 7 + 1) % vocabSize))
}

export interface Generated {
  readonly sampled: SampledToken[]
  readonly promptLogprobs: PromptLogprobs[]
  /** Output token ids by seqId. */
  readonly outputs: Map<number, number[]>
}

/** Runs `sequences` to their end: prefill in chunks of `chunk` tokens, then one token per step, and removes them. */
export async function generate (
  engine: Pick<AttentionEngine, 'step'>, sequences: readonly NewSequence[], numUbatches = 1, chunk = 1000
): Promise<Generated> {
  const generated: Generated = { sampled: [], promptLogprobs: [], outputs: new Map(sequences.map(({ seqId }) => [seqId, []])) }
  const running = sequences.map(created => ({ created, numComputed: 0, numTokens: created.tokenIds.length, numBlocks: 0, isDone: false }))
  let nextBlock = 0
  for (let stepId = 1; running.some(({ isDone }) => !isDone); stepId++) {
    const scheduled = running.filter(({ isDone }) => !isDone).map((sequence, i) => {
      const { created: { seqId }, numComputed: numComputedTokens } = sequence
      const numScheduledTokens = Math.min(chunk, sequence.numTokens - numComputedTokens)
      sequence.numComputed += numScheduledTokens
      const newBlockIds: number[] = []
      for (; sequence.numBlocks * BLOCK_SIZE < sequence.numComputed; sequence.numBlocks++) newBlockIds.push(nextBlock++)
      return { seqId, numComputedTokens, numScheduledTokens, ubatchIdx: i % numUbatches, newBlockIds }
    })
    const newSequences = stepId === 1 ? sequences : []
    const result = await engine.step({ stepId, removedSeqIds: [], newSequences, scheduled, ffnInstanceOfUbatch: [] })
    generated.promptLogprobs.push(...result.promptLogprobs)
    generated.sampled.push(...result.sampled)
    for (const { seqId, tokenId, finishReason } of result.sampled) {
      generated.outputs.get(seqId)!.push(tokenId)
      const sequence = running.find(({ created }) => created.seqId === seqId)!
      sequence.numTokens++
      sequence.isDone = finishReason !== undefined
    }
  }
  await engine.step({ stepId: 0, removedSeqIds: sequences.map(({ seqId }) => seqId), newSequences: [], scheduled: [], ffnInstanceOfUbatch: [] })
  return generated
}
