// An attention engine that follows packages/engine/src/types.ts to the letter and checks the scheduler while it
// does: its KV pool holds the token written at each slot, and a step reads its context from there, so a block
// shared, reused or counted wrongly shows as a failed check or a wrong token.
import type { FinishReason__Output, SampledToken__Output, SequencePromptLogprobs__Output, StepResult__Output } from '@tandem/protocol'
import { nextToken } from './fake-model.js'

export interface FakeNewSequence {
  readonly seqId: number
  readonly tokenIds: readonly number[]
  readonly numPromptTokens: number
  readonly maxTokens: number
  readonly sampling: { readonly seed: number, readonly stopTokenIds: readonly number[], readonly promptLogprobs?: number }
}
export interface FakeStepPlan {
  readonly stepId: number
  readonly removedSeqIds: readonly number[]
  readonly newSequences: readonly FakeNewSequence[]
  readonly scheduled: ReadonlyArray<{
    readonly seqId: number
    readonly numComputedTokens: number
    readonly numScheduledTokens: number
    readonly ubatchIdx: number
    readonly newBlockIds: readonly number[]
  }>
  readonly ffnInstanceOfUbatch: readonly number[]
}

interface EngineSequence {
  readonly init: FakeNewSequence
  readonly tokenIds: number[]
  readonly blockTable: number[]
  isFinished: boolean
}

function check (condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`engine: ${message}`)
}

/**
 * How the engine treats a step that fails and the one queued behind it. `atomic`: nothing of a failed step is
 * applied, and a step that refers to what never ran fails too; `lenient`: lines it cannot run are skipped;
 * `partial`: arrivals, removals and blocks of a failed step are applied, its tokens are not.
 */
export type FailureStyle = 'atomic' | 'lenient' | 'partial'

/** A token outside the vocabulary: the whole plan that brings it is refused. */
export const REFUSED_TOKEN_ID = 666
const REFUSED = { code: 'plan_invalid', message: `token ${REFUSED_TOKEN_ID} is outside the vocabulary`, retryable: false }
const FAILED = { code: 'ffn_unavailable', message: 'no ffn instance answered', retryable: true }

export class FakeEngine {
  readonly #sequences = new Map<number, EngineSequence>()
  readonly #slots: Int32Array
  #hasFailed = false
  /** Which sequence wrote a block in the running step: another one must not read it before the next. */
  readonly #writer = new Map<number, number>()

  constructor (readonly numBlocks: number, readonly blockSize: number, readonly failureStyle: FailureStyle = 'atomic') {
    this.#slots = new Int32Array(numBlocks * blockSize).fill(-1)
  }

  get numSequences (): number { return this.#sequences.size }

  step (plan: FakeStepPlan, fails = false): StepResult__Output {
    const result: StepResult__Output = {
      stepId: plan.stepId, sampled: [], promptLogprobs: [], stepUs: 10, attentionUs: 5, ffnWaitUs: 3, sampleUs: 1
    }
    if (plan.newSequences.some(({ tokenIds }) => tokenIds.includes(REFUSED_TOKEN_ID))) return { ...result, error: REFUSED }
    const isRefused = fails || (this.failureStyle === 'atomic' && !plan.scheduled.every(line => this.#canRun(plan, line)))
    this.#hasFailed ||= isRefused
    if (isRefused && this.failureStyle !== 'partial') return { ...result, error: FAILED }
    this.#writer.clear()
    for (const seqId of plan.removedSeqIds) this.#sequences.delete(seqId)
    for (const init of plan.newSequences) {
      check(!this.#sequences.has(init.seqId), `sequence ${init.seqId} exists already`)
      this.#sequences.set(init.seqId, { init, tokenIds: [...init.tokenIds], blockTable: [], isFinished: false })
    }
    const seen = new Set<number>()
    for (const line of plan.scheduled) {
      check(!seen.has(line.seqId), `sequence ${line.seqId} has two lines`)
      seen.add(line.seqId)
      const sequence = this.#sequences.get(line.seqId)
      if (!sequence && this.failureStyle === 'lenient') continue
      check(sequence, `sequence ${line.seqId} is unknown`)
      if (sequence.isFinished) continue
      sequence.blockTable.push(...line.newBlockIds)
      if (!isRefused && this.#canRun(plan, line)) this.#run(sequence, line, result)
    }
    return isRefused ? { ...result, error: FAILED } : result
  }

  /** False behind a failed step: the sequence never arrived, or the token to run was never sampled. */
  #canRun (plan: FakeStepPlan, { seqId, numComputedTokens, numScheduledTokens }: FakeStepPlan['scheduled'][number]): boolean {
    const tokenIds = plan.newSequences.find(sequence => sequence.seqId === seqId)?.tokenIds ?? this.#sequences.get(seqId)?.tokenIds
    const sequence = this.#sequences.get(seqId)
    return sequence?.isFinished === true || (tokenIds !== undefined && numComputedTokens + numScheduledTokens <= tokenIds.length)
  }

  #run (sequence: EngineSequence, line: FakeStepPlan['scheduled'][number], result: StepResult__Output): void {
    const { init, tokenIds, blockTable } = sequence
    const end = line.numComputedTokens + line.numScheduledTokens
    check(line.numScheduledTokens > 0, `sequence ${line.seqId} is scheduled for nothing`)
    check(end <= blockTable.length * this.blockSize, `sequence ${line.seqId} has no block for position ${end - 1}`)
    for (let position = line.numComputedTokens; position < end; position++) {
      const block = blockTable[Math.floor(position / this.blockSize)]!
      check(block >= 0 && block < this.numBlocks, `block ${block} does not exist`)
      const writer = this.#writer.get(block)
      check(writer === undefined || writer === line.seqId, `block ${block} is written by two sequences of one step`)
      this.#writer.set(block, line.seqId)
      this.#slots[block * this.blockSize + position % this.blockSize] = tokenIds[position]!
    }
    if (this.#isStale(sequence, line.numComputedTokens)) {
      // What a real engine would do with a hole in the context: sample nonsense.
      const nonsense = { ...init, sampling: { seed: init.sampling.seed + 1, stopTokenIds: [] } }
      if (end === tokenIds.length) result.sampled.push(this.#sample(sequence, nonsense, tokenIds))
      return
    }
    const context = this.#readContext(sequence, line.seqId, end)
    this.#scorePrompt(sequence, line.numComputedTokens, end, result.promptLogprobs)
    if (end === tokenIds.length) result.sampled.push(this.#sample(sequence, init, context))
  }

  /** A chunk behind a failed chunk: positions before it were never computed, its results will be thrown away. */
  #isStale ({ tokenIds, blockTable }: EngineSequence, numComputedTokens: number): boolean {
    return this.#hasFailed && Array.from({ length: numComputedTokens }, (_, position) => position).some(position =>
      this.#slots[blockTable[Math.floor(position / this.blockSize)]! * this.blockSize + position % this.blockSize] !== tokenIds[position])
  }

  #readContext ({ blockTable, tokenIds }: EngineSequence, seqId: number, end: number): number[] {
    const context: number[] = []
    for (let position = 0; position < end; position++) {
      const block = blockTable[Math.floor(position / this.blockSize)]!
      const writer = this.#writer.get(block)
      check(writer === undefined || writer === seqId, `sequence ${seqId} reads block ${block} in the step that writes it`)
      const tokenId = this.#slots[block * this.blockSize + position % this.blockSize]!
      check(tokenId === tokenIds[position], `sequence ${seqId} finds token ${tokenId} at position ${position}, not ${tokenIds[position]}`)
      context.push(tokenId)
    }
    return context
  }

  #scorePrompt ({ init, tokenIds }: EngineSequence, start: number, end: number, into: SequencePromptLogprobs__Output[]): void {
    if (init.sampling.promptLogprobs === undefined) return
    const tokens = []
    for (let position = start + 1; position <= end && position < init.numPromptTokens; position++) {
      tokens.push({ position, tokenId: tokenIds[position]!, logprobs: { logprob: -position, rank: 1, top: [] } })
    }
    if (tokens.length > 0) into.push({ seqId: init.seqId, tokens })
  }

  #sample (sequence: EngineSequence, init: FakeNewSequence, context: number[]): SampledToken__Output {
    const tokenId = nextToken(context, init.sampling.seed)
    const position = sequence.tokenIds.length
    sequence.tokenIds.push(tokenId)
    let finishReason: FinishReason__Output = 'FINISH_REASON_UNSPECIFIED'
    if (init.sampling.stopTokenIds.includes(tokenId)) finishReason = 'FINISH_REASON_STOP'
    else if (position + 1 - init.numPromptTokens >= init.maxTokens) finishReason = 'FINISH_REASON_LENGTH'
    sequence.isFinished = finishReason !== 'FINISH_REASON_UNSPECIFIED'
    return { seqId: init.seqId, position, tokenId, finishReason }
  }
}
